"""Writes Tests/Fixtures/interventions: programs on the tiny models with outputs and gradients from pyreft's classes."""

import torch
from torch.nn.utils import parametrize

from fixture_files import FIXTURES, write_json, write_tensors
from reft_modules import Add, BoundProgram, Collect, declaration, gradients, program, pyreft_logits
from tiny_models import causal_labels, sequences, tiny_model

RANK = 3
PROMPT_LENGTHS = [5, 4, 8]
KINDS = ["LoReFT", "NoReFT", "ConsReFT", "LobiReFT", "DiReFT", "NodiReFT"]
WITH_ACTIVATION = ["LoReFT", "NoReFT", "DiReFT", "NodiReFT"]


def reft_cases():
    """(model, case name, declarations)."""
    cases = []
    for kind in KINDS:
        word = kind.lower()
        cases += [
            ("llama", f"{word}-l1-one-layer", [declaration(kind, RANK, [0], "l1")]),
            ("llama", f"{word}-f2l2-tied", [declaration(kind, RANK, [0, 1], "f2+l2", tied=True)]),
            ("llama", f"{word}-f2l2-untied", [declaration(kind, RANK, [0, 1], "f2+l2")]),
            ("llama", f"{word}-all-positions", [declaration(kind, RANK, [1], "all")]),
            ("gpt2", f"{word}-f2l2-tied", [declaration(kind, RANK, [0, 1], "f2+l2", tied=True)]),
        ]
    for kind in WITH_ACTIVATION:
        for activation in ["relu", "gelu"]:
            cases.append(("llama", f"{kind.lower()}-{activation}",
                          [declaration(kind, RANK, [0], "l1", activation=activation)]))
    # (pyreft's NodiReFT has that bias too, and never reads it.)
    cases.append(("llama", "noreft-add-bias", [declaration("NoReFT", RANK, [0], "l1", addBias=True)]))
    for kind in ["LoReFT", "NodiReFT"]:
        cases.append(("roberta", f"{kind.lower()}-f3", [declaration(kind, RANK, [0, 1], "f3")]))
        cases.append(("bert", f"{kind.lower()}-f3", [declaration(kind, RANK, [0, 1], "f3")]))
    cases += [
        ("llama", "chain-at-one-site", [declaration("LoReFT", RANK, [0], "l1", name="inner"),
                                        declaration("NoReFT", 2, [0], "f2+l2", tied=True, name="outer")]),
        ("llama", "loreft-scaled", [declaration("LoReFT", RANK, [0], "l1", scale=0.5)]),
        ("llama", "loreft-mlp-and-attention", [
            declaration("LoReFT", RANK, [0], "l2", component="mlp_output", name="mlp"),
            declaration("LoReFT", RANK, [1], "f2", component="attention_output", name="attention")]),
    ]
    return cases


def case_input(model_name):
    """The input of `reft run`, and the labels as the reference takes them."""
    rows = sequences()
    if model_name in ("bert", "roberta"):
        labels = [1, 0, 1]
    else:
        labels = causal_labels(rows, PROMPT_LENGTHS)
    return {"sequences": rows, "labels": labels, "prompt_lengths": PROMPT_LENGTHS}


def results(loss, logits, sites):
    """Tensors that every case holds."""
    tensors = {"expected.loss": loss.reshape(1), "expected.logits": torch.cat(logits)}
    for name in sites[0]:
        if name.startswith("block_output"):
            tensors[f"expected.{name}"] = torch.cat([values[name][0] for values in sites])
    return tensors


def write_case(model_name, name, declarations, seed):
    given = case_input(model_name)
    bound = BoundProgram(tiny_model(model_name), declarations, given["sequences"], PROMPT_LENGTHS, seed)
    with parametrize.cached():
        loss, logits, sites = bound.run(given["labels"])
        slopes = gradients(bound, loss)
        state = bound.state()
    for index in range(len(given["sequences"])):
        peer = pyreft_logits(bound, index)
        if peer is not None:
            difference = (peer - logits[index]).abs().max() / peer.abs().max()
            assert difference < 2e-6, f"{name}: pyreft's forward differs by {difference}"
    tensors = results(loss, logits, sites)
    tensors |= {f"state.{key}": value for key, value in state.items()}
    tensors |= {f"gradient.{key}": value for key, value in slopes.items()}
    for key, module in bound.modules.items():
        if isinstance(module, Add):
            tensors[f"state.{key}.vector"] = module.vector
        if isinstance(module, Collect):
            tensors[f"expected.{key}.rows"] = torch.cat(module.rows[: len(given["sequences"])])
    folder = FIXTURES / "interventions" / f"{model_name}-{name}"
    write_tensors(folder / "tensors.safetensors", tensors)
    write_json(folder / "case.json", {"model": model_name, "program": program(*declarations), "input": given,
                                      "positions_used": bound.positions, "loss": float(loss.detach())})


def general_cases():
    """The same for interventions without parameters."""
    def general(name, intervention, component, layer, positions):
        return {"name": name, "intervention": intervention, "site": {"component": component, "layers": [layer]},
                "positions": positions}

    vector = {"file": "tensors.safetensors", "name": "state.steer.0.shared.vector", "shape": [32]}
    steer = general("steer", {"type": "Add", "vector": vector}, "block_output", 0, "all") | {"scale": -0.75}
    return [
        ("llama", "add-vector", [steer]),
        ("gpt2", "add-vector", [steer]),
        *[(model, f"zero-{component.replace('_', '-')}", [general("ablate", {"type": "Zero"}, component, 1, "all")])
          for model in ["llama", "gpt2", "bert"] for component in ["mlp_output", "attention_output"]],
        ("llama", "zero-f1", [general("ablate", {"type": "Zero"}, "mlp_activation", 0, "f1")]),
        ("llama", "collect", [general("probe", {"type": "Collect"}, "mlp_activation", 1, "f1+l2")]),
        ("gpt2", "collect", [general("probe", {"type": "Collect"}, "attention_output", 0, "l1")]),
    ]


def main():
    for seed, case in enumerate(reft_cases() + general_cases(), start=1000):
        write_case(*case, seed)


if __name__ == "__main__":
    main()
