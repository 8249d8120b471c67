"""Writes Tests/Fixtures/encoders: tiny DistilBERT, ELECTRA and ESM models with what transformers computes with them, and
masked language models of all families of encoders.

Each folder holds a checkpoint, `cases.json` (the input of `reft run`) and `expected.safetensors`: `logits` and `loss` of
classifiers and masked language models, every site under its name, and `gradient.weight:NAME` of every weight that the loss depends on. Sites are
defined as in recorded_sites.py; `final_norm_output` of ESM is its last hidden state. Every sequence was run alone.
"""

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForSequenceClassification,
    DistilBertModel,
    ElectraConfig,
    ElectraForMaskedLM,
    ElectraForSequenceClassification,
    ElectraModel,
    EsmConfig,
    EsmForMaskedLM,
    EsmForSequenceClassification,
    EsmModel,
    MPNetConfig,
    MPNetForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
)

from fixture_files import FIXTURES, write_json, write_tensors
from make_models import save_model, token_types
from tiny_models import randomise, sequences

VOCABULARY, HIDDEN, LAYERS, HEADS = 48, 16, 2, 4
ROWS = sequences(VOCABULARY, seed=200)
# A token of the first and the last sequence stands for a hidden residue.
MASK = ROWS[0][2]
ROWS[2][5] = ROWS[2][7] = MASK


def distilbert(model_class, **changes):
    return model_class(DistilBertConfig(
        vocab_size=VOCABULARY, dim=HIDDEN, hidden_dim=24, n_layers=LAYERS, n_heads=HEADS, max_position_embeddings=20,
        attn_implementation="eager", **changes))


def electra(model_class, embedding_size, **changes):
    return model_class(ElectraConfig(
        vocab_size=VOCABULARY, embedding_size=embedding_size, hidden_size=HIDDEN, intermediate_size=24,
        num_hidden_layers=LAYERS, num_attention_heads=HEADS, max_position_embeddings=20, attn_implementation="eager",
        **changes))


def esm(model_class, **changes):
    return model_class(EsmConfig(
        vocab_size=VOCABULARY, mask_token_id=MASK, pad_token_id=1, hidden_size=HIDDEN, intermediate_size=24,
        num_hidden_layers=LAYERS, num_attention_heads=HEADS, max_position_embeddings=20, layer_norm_eps=1e-5,
        attn_implementation="eager", **changes))


def bert(model_class, configuration, **changes):
    return model_class(configuration(
        vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=24, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, max_position_embeddings=24, attn_implementation="eager", **changes))


# A label for some tokens of each sequence, as where they were hidden.
TOKEN_LABELS = [[token if place % 3 == 1 else -100 for place, token in enumerate(row)] for row in ROWS]

MODELS = {
    "distilbert": (lambda: distilbert(DistilBertForSequenceClassification, num_labels=3), 61, [2, 0, 1]),
    "distilbert-bare": (lambda: distilbert(DistilBertModel), 62, None),
    "electra": (lambda: electra(ElectraForSequenceClassification, 12, num_labels=2), 63, [1, 0, 1]),
    "electra-bare": (lambda: electra(ElectraModel, HIDDEN), 64, None),
    "esm": (lambda: esm(EsmForSequenceClassification, num_labels=2, position_embedding_type="rotary",
                        token_dropout=True), 65, [0, 1, 1]),
    "masked-bert": (lambda: bert(BertForMaskedLM, BertConfig), 67, TOKEN_LABELS),
    "masked-bert-untied": (lambda: bert(BertForMaskedLM, BertConfig, tie_word_embeddings=False), 68, TOKEN_LABELS),
    "masked-roberta": (lambda: bert(RobertaForMaskedLM, RobertaConfig, pad_token_id=1), 69, TOKEN_LABELS),
    "masked-distilbert": (lambda: distilbert(DistilBertForMaskedLM), 70, TOKEN_LABELS),
    "masked-electra": (lambda: electra(ElectraForMaskedLM, 12), 71, TOKEN_LABELS),
    "masked-mpnet": (lambda: bert(MPNetForMaskedLM, MPNetConfig), 72, TOKEN_LABELS),
    "masked-esm": (lambda: esm(EsmForMaskedLM, position_embedding_type="rotary", token_dropout=True), 73, TOKEN_LABELS),
    "esm-absolute": (lambda: esm(EsmModel, position_embedding_type="absolute", emb_layer_norm_before=True), 66, None),
}


def sites(model):
    """[(site, module, 'input' | 'output')]."""
    if model.config.model_type in ["bert", "roberta", "mpnet"]:
        body = getattr(model, model.config.model_type)
        return [("embedding", body.embeddings, "output")] + [
            (f"block_output.{index}", block, "output") for index, block in enumerate(body.encoder.layer)]
    family = model.config.model_type
    body = getattr(model, family, model)
    found = [("embedding", body.embeddings, "output"),
             ("position_embedding", getattr(body.embeddings, "position_embeddings", None), "output")]
    if family == "electra" and hasattr(body, "embeddings_project"):
        found[0] = ("embedding", body.embeddings_project, "output")
    if family == "esm":
        found.append(("final_norm_output", body.encoder.emb_layer_norm_after, "output"))
    if hasattr(model, "classifier"):
        found.append(("pooler_output", getattr(model.classifier, "out_proj", model.classifier), "input"))
    for index, block in enumerate(body.transformer.layer if family == "distilbert" else body.encoder.layer):
        attention = block.attention
        if family == "distilbert":
            parts = [attention.q_lin, attention.k_lin, attention.v_lin, attention.out_lin, block.ffn,
                     (block.ffn.lin2, "input"), block.ffn.lin2]
        else:
            parts = [attention.self.query, attention.self.key, attention.self.value, attention.output.dense,
                     block.intermediate, (block.intermediate, "output"), block.output.dense]
        query, key, value, out, mlp, activation, mlp_out = parts
        found += [
            (f"block_input.{index}", block, "input"), (f"block_output.{index}", block, "output"),
            (f"query_output.{index}", query, "output"), (f"key_output.{index}", key, "output"),
            (f"value_output.{index}", value, "output"), (f"attention_value_output.{index}", out, "input"),
            (f"attention_output.{index}", out, "output"), (f"mlp_input.{index}", mlp, "input"),
            (f"mlp_activation.{index}", *activation), (f"mlp_output.{index}", mlp_out, "output"),
        ]
    return [site for site in found if site[1] is not None]


def first(value):
    return value[0] if isinstance(value, tuple) else value


class Recording:
    def __init__(self, model):
        self.values = {}
        for name, module, place in sites(model):
            if place == "input":
                module.register_forward_pre_hook(
                    lambda _, arguments, keywords, name=name: self.keep(
                        name, arguments[0] if arguments else keywords["hidden_states"]), with_kwargs=True)
            else:
                module.register_forward_hook(lambda _, __, output, name=name: self.keep(name, first(output)))

    def keep(self, name, value):
        self.values.setdefault(name, []).append(value.reshape(-1, value.shape[-1]).detach())


def write(name, constructor, seed, labels):
    model, folder = randomise(constructor(), seed).eval(), FIXTURES / "encoders" / name
    save_model(model, folder)
    recording = Recording(model)
    types = token_types(ROWS) if name in ["electra", "electra-bare", "masked-bert", "masked-electra"] else None
    logits, losses = [], 0
    for index, row in enumerate(ROWS):
        extra = {} if types is None else {"token_type_ids": torch.tensor([types[index]])}
        output = model(torch.tensor([row]), **extra)
        if labels is None:
            recording.keep("last_hidden_state", output.last_hidden_state)
        else:
            logits.append(output.logits.reshape(-1, output.logits.shape[-1]))
            losses = losses + torch.nn.functional.cross_entropy(
                logits[-1], torch.tensor(labels[index]).reshape(-1), reduction="sum")
    tensors = {key: torch.cat(values) for key, values in recording.values.items()}
    case = {"sequences": ROWS} | ({} if types is None else {"token_types": types})
    if labels is not None:
        loss = losses / sum(label != -100 for label in torch.tensor(sum(labels, [])
                                                                    if labels is TOKEN_LABELS else labels).tolist())
        named = dict(model.named_parameters())
        for key, slope in zip(named, torch.autograd.grad(loss, list(named.values()), allow_unused=True)):
            if slope is not None:
                tensors[f"gradient.weight:{key}"] = slope.reshape(-1, slope.shape[-1])
        tensors |= {"logits": torch.cat(logits), "loss": loss.reshape(1)}
        case["labels"] = labels
    write_tensors(folder / "expected.safetensors", tensors)
    write_json(folder / "cases.json", case)
    print(name, sum(parameter.numel() for parameter in model.parameters()), len(tensors))


if __name__ == "__main__":
    for name, arguments in MODELS.items():
        write(name, *arguments)
