"""Adds programs that train weights of the model to Tests/Fixtures/weights and training, with torch's gradients.

A weight is called `weight:NAME` there, NAME as in the checkpoint; a tied table is one tensor. RoBERTa's table of
positions is `weight:….position_embeddings.weight[2:]`, the rows from its first position on.
"""

import torch
from torch.nn.utils import parametrize

from fixture_files import FIXTURES, write_json, write_tensors
from make_interventions import PROMPT_LENGTHS, RANK, case_input, results
from make_training_curves import PLAIN
from make_training_curves import train as train_program
from reft_modules import BoundProgram, declaration, gradients, program
from tiny_models import tiny_model

LOREFT = declaration("LoReFT", RANK, [0], "l1")
# (model, case, patterns, what they match, declarations)
CASES = [
    ("llama", "all-weights", ["*"], lambda name: True, []),
    ("gpt2", "all-weights", ["*"], lambda name: True, []),
    ("bert", "all-weights", ["*"], lambda name: True, []),
    ("roberta", "all-weights", ["*"], lambda name: True, []),
    ("llama", "weights-beside-loreft", ["model.layers[*].mlp.down_proj.weight", "embed_tokens.weight", "norm.weight"],
     lambda name: name.endswith(("mlp.down_proj.weight", "embed_tokens.weight", "model.norm.weight")), [LOREFT]),
    ("gpt2", "weights-beside-loreft", ["transformer.h[1].attn.c_attn.*", "wpe.weight", "h[*].ln_*.bias"],
     lambda name: "h.1.attn.c_attn." in name or "wpe" in name or ".ln_" in name and name.endswith("bias")
     and ".h." in name, [LOREFT]),
    ("bert", "weights-beside-loreft", ["encoder.layer[0].output.*", "classifier.*", "word_embeddings.weight"],
     lambda name: "layer.0.output." in name or name.startswith("classifier") or "word_embeddings" in name,
     [declaration("LoReFT", RANK, [1], "f3")]),
]


def trained(model, matches):
    """{name: parameter} of the chosen weights, made trainable; tied ones once."""
    chosen = {name: value for name, value in model.named_parameters() if matches(name)}
    for value in chosen.values():
        value.requires_grad_(True)
    return chosen


def stored(name, value):
    """The fixture's name and numbers of a weight or of its gradient."""
    if name == "roberta.embeddings.position_embeddings.weight":
        return f"weight:{name}[2:]", value[2:]
    return f"weight:{name}", value


def file(patterns, declarations):
    return program(*declarations) | {"trainable": patterns}


def write_case(model_name, name, patterns, matches, declarations, seed):
    given = case_input(model_name)
    model = tiny_model(model_name)
    bound = BoundProgram(model, declarations, given["sequences"], PROMPT_LENGTHS, seed)
    weights = trained(model, matches)
    with parametrize.cached():
        loss, logits, sites = bound.run(given["labels"])
        slopes = gradients(bound, loss)
        # RoBERTa's pooler, for one, is in no class head: a weight without a gradient is not in the graph.
        found = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    tensors = results(loss, logits, sites)
    tensors |= {f"state.{key}": value for key, value in bound.state().items()}
    tensors |= {f"gradient.{key}": value for key, value in slopes.items()}
    count = 0
    for (key, value), slope in zip(weights.items(), found):
        key, slope = stored(key, slope)
        tensors[f"gradient.{key}"] = slope.reshape(-1, slope.shape[-1])
        count += slope.numel()
    folder = FIXTURES / "weights" / f"{model_name}-{name}"
    write_tensors(folder / "tensors.safetensors", tensors)
    write_json(folder / "case.json", {
        "model": model_name, "program": file(patterns, declarations), "input": given,
        "positions_used": bound.positions, "loss": float(loss.detach()), "trained_weights": count})
    print(folder.name, count)


class Together:
    """A bound program whose optimiser moves weights of the model too."""

    def __init__(self, bound, weights):
        self.bound, self.weights = bound, weights

    def parameters(self):
        return self.bound.parameters() + list(self.weights.values())

    def run(self, labels):
        return self.bound.run(labels)


def write_curve(seed):
    patterns, settings = ["layers[1].mlp.down_proj.weight"], PLAIN | {"steps": 20}
    given = case_input("llama")
    model = tiny_model("llama")
    bound = BoundProgram(model, [LOREFT], given["sequences"], PROMPT_LENGTHS, seed)
    weights = trained(model, lambda name: name.endswith("layers.1.mlp.down_proj.weight"))
    tensors = {f"state.{key}": value.detach().clone() for key, value in bound.state().items()}
    losses, rates, norms = train_program(Together(bound, weights), given["labels"], settings)
    tensors |= {f"final.{key}": value for key, value in (bound.constrained() | bound.raw_rotations()).items()}
    tensors |= {f"final.weight:{name}": value for name, value in weights.items()}
    folder = FIXTURES / "training" / "llama-weight-beside-loreft"
    write_tensors(folder / "tensors.safetensors", tensors)
    write_json(folder / "case.json", {
        "model": "llama", "program": file(patterns, [LOREFT]), "input": given, "settings": settings,
        "positions_used": bound.positions, "losses": losses, "learning_rates": rates, "gradient_norms": norms})
    print(f"{losses[0]:.4f} -> {losses[-1]:.4f}")


def main():
    for seed, case in enumerate(CASES, start=3000):
        write_case(*case, seed)
    write_curve(3100)


if __name__ == "__main__":
    main()
