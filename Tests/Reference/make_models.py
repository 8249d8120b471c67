"""Writes Tests/Fixtures/models: tiny models and what transformers computes with them, each sequence run alone."""

import shutil
import sys

import torch
from safetensors.torch import save_file

from fixture_files import FIXTURES, write_json, write_tensors
from recorded_sites import Recording, causal_loss_sum, module_sites, site_names
from tiny_models import CAUSAL, CLASSIFIERS, PROMPT_LENGTHS, causal_labels, sequences, tiny_model

NEW_TOKENS = 12
# Models whose every site is kept; of the others the logits, block outputs and gradients say enough.
EVERY_SITE = {"llama", "llama-biased-wide-heads", "mistral", "gpt2", "bert", "roberta"}
# Models of which the modules of the last layer are kept too, by their paths.
EVERY_MODULE = {"qwen3", "gemma", "gemma2", "gemma3", "olmo", "olmo2", "olmoe", "phi3", "gpt-neox", "gpt-neo"}
CLASS_LABELS = {"bert": [2, 0, 1], "roberta": [1, 0, 1],
                "bert-regression": [0.5, -1.25, 2.0], "roberta-regression": [1.5, 0.25, -0.75]}


def save_model(model, folder, dtype=torch.float32, shard_size="5GB"):
    if folder.exists():
        shutil.rmtree(folder)
    model.to(dtype).save_pretrained(folder, max_shard_size=shard_size)
    (folder / "generation_config.json").unlink(missing_ok=True)


def token_types(rows):
    return [[0] * (len(row) // 2) + [1] * (len(row) - len(row) // 2) for row in rows]


def greedy(model, row):
    """Token ids after `row` with the largest logit each time, recomputed without a cache; ties are refused."""
    tokens = list(row)
    for _ in range(NEW_TOKENS):
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0, -1]
        best = logits.topk(2).values
        assert best[0] - best[1] > 1e-3, "a near tie makes a greedy fixture fragile: choose another seed"
        tokens.append(int(logits.argmax()))
    cached = model.generate(torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.long),
                            max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None,
                            pad_token_id=0)
    assert cached[0].tolist() == tokens, "transformers disagrees with itself with and without a cache"
    return tokens[len(row):]


def record(model, rows, labels, types, gradients, modules=()):
    """{name: tensor} over all rows, and the loss."""
    classifier = types is not None
    names = site_names(model) + [name for name, _, _ in modules]
    recorded, losses, count = {name: [] for name in names}, 0, 0
    leaves, logits = [], []
    with Recording(model, modules) as sites:
        for index, row in enumerate(rows):
            tokens = torch.tensor([row])
            model.get_input_embeddings().weight.requires_grad_(gradients)
            extra = dict(token_type_ids=torch.tensor([types[index]])) if classifier else dict(use_cache=False)
            output = model(tokens, **extra)
            logits.append(output.logits[0] if not classifier else output.logits)
            if not classifier:
                loss, labelled = causal_loss_sum(output.logits[0], labels[index])
            elif output.logits.shape[-1] == 1:
                loss, labelled = (output.logits[0, 0] - labels[index]) ** 2, 1
            else:
                loss, labelled = torch.nn.functional.cross_entropy(output.logits, torch.tensor([labels[index]])), 1
            losses, count = losses + loss, count + labelled
            for name, value in sites.values.items():
                recorded[name].append(value)
    loss = losses / count
    # transformers' own loss of one sequence must be the same thing.
    if classifier:
        own = [model(torch.tensor([row]), token_type_ids=torch.tensor([kind]), labels=torch.tensor([label])).loss
               for row, kind, label in zip(rows, types, labels)]
        assert torch.allclose(torch.stack(own).mean(), loss, rtol=1e-5)
    else:
        own = model(torch.tensor([rows[0]]), labels=torch.tensor([labels[0]])).loss
        first, labelled = causal_loss_sum(logits[0], labels[0])
        assert torch.allclose(own, first / labelled, rtol=1e-5)
    tensors = {"logits": torch.cat(logits), "loss": loss.reshape(1)}
    tensors["offsets"] = torch.tensor([0] + [len(row) for row in rows]).cumsum(0)
    for name, values in recorded.items():
        tensors[name] = torch.cat([value.reshape(-1, value.shape[-1]) for value in values])
    if gradients:
        wanted = ["embedding"] + [name for name in recorded if name.startswith("block_output")]
        for name in wanted:
            slopes = torch.autograd.grad(loss, recorded[name], retain_graph=True)
            tensors[f"gradient.{name}"] = torch.cat([slope[0] for slope in slopes])
    model.requires_grad_(False)
    return tensors, float(loss.detach())


def write_expected(model, folder, name, rows):
    classifier = name in CLASSIFIERS
    types = token_types(rows) if classifier else None
    if classifier and model.config.type_vocab_size == 1:
        types = [[0] * len(row) for row in rows]
    labels = CLASS_LABELS[name] if classifier else causal_labels(rows)
    last = model.config.num_hidden_layers - 1
    modules = module_sites(model, last) if folder.name in EVERY_MODULE else []
    tensors, loss = record(model, rows, labels, types, gradients=True, modules=modules)
    if folder.name not in EVERY_SITE | EVERY_MODULE:
        kept = ("logits", "loss", "offsets", "embedding", "block_output", "gradient")
        tensors = {key: value for key, value in tensors.items() if key.startswith(kept)}
    write_tensors(folder / "expected.safetensors", tensors)
    cases, expected = {"sequences": rows, "labels": labels}, {"loss": loss}
    if classifier:
        if model.config.type_vocab_size > 1:
            cases["token_types"] = types
    else:
        cases["prompt_lengths"] = PROMPT_LENGTHS
        expected["generated"] = [greedy(model, row) for row in rows]
    write_json(folder / "cases.json", cases)
    write_json(folder / "expected.json", expected)


def store_again(model, folder, dtype):
    """Saves in another dtype; the truth is the f32 computation on the rounded weights.

    The model is read back: one that was cast to bf16 and up again keeps rounded rotary frequencies.
    """
    save_model(model, folder, dtype)
    return type(model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def main():
    """All models, or those named on the command line and nothing else."""
    rows = sequences()
    for name in sys.argv[1:] or CAUSAL | CLASSIFIERS:
        model, folder = tiny_model(name), FIXTURES / "models" / name
        save_model(model, folder)
        write_expected(model, folder, name, rows)
        print(name, sum(parameter.numel() for parameter in model.parameters()))
    if sys.argv[1:]:
        return
    for suffix, dtype in [("bf16", torch.bfloat16), ("f16", torch.float16)]:
        folder = FIXTURES / "models" / f"llama-{suffix}"
        model = store_again(tiny_model("llama"), folder, dtype)
        write_expected(model.requires_grad_(False), folder, "llama", rows)
    folder = FIXTURES / "models" / "llama-sharded"
    save_model(tiny_model("llama"), folder, shard_size="40KB")
    write_expected(tiny_model("llama"), folder, "llama", rows)
    # GPT-2's own checkpoints on the hub have keys without the prefix of the language model.
    folder = FIXTURES / "models" / "gpt2-unprefixed"
    model = tiny_model("gpt2")
    save_model(model, folder)
    save_file({key: value.contiguous() for key, value in model.transformer.state_dict().items()},
              str(folder / "model.safetensors"), metadata={"format": "pt"})
    write_expected(model, folder, "gpt2", rows)


if __name__ == "__main__":
    main()
