"""Writes Tests/Fixtures/pyreft: folders that pyreft and pyvene save, and what the tiny models give with them.

Each case is a folder with `adapter/` (what `ReftModel.save` or `IntervenableModel.save` wrote), `case.json` (model,
positions, the input of `reft run`, the options of an import) and `expected.safetensors` (logits of all rows). The
outputs come from pyvene itself, one sequence at a time, with every position written out. Where pyvene is wrong (links
feed one site's rows to another) they come from modules that share their weights without a link.
"""

import logging
import shutil

import pyreft
import pyvene as pv
import torch

from fixture_files import FIXTURES, write_json, write_tensors
from tiny_models import HIDDEN, sequences, tiny_model

RANK = 3
PROMPT_LENGTHS = [5, 4, 8]
FOLDER = FIXTURES / "pyreft"


def ends(length, count):
    """(first rows, last rows) of a prompt, as f2+l2 means them here: short prompts are shared."""
    first = min(count, length // 2)
    return list(range(first)), list(range(length - min(count, length - first), length))


def rows_of(positions, length):
    """The rows of each side of a position text."""
    sides = {"f2+l2": ends(length, 2), "l1": ([length - 1],), "f3": (list(range(min(3, length))),), "2": ([2],)}
    return sides[positions]


def seeded(module, seed):
    """Every trained tensor drawn anew; orthonormal ones stay orthonormal."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            if "parametrizations" in name:
                # Below the diagonal of the raw matrix, as an optimiser would move it.
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator).tril(-1))
            elif name == "temperature":
                parameter.fill_(0.7)
            elif name == "intervention_boundaries":
                parameter.fill_(0.4)
            elif parameter.numel():
                parameter.copy_((0.4 * torch.randn(parameter.shape, generator=generator)).to(parameter.dtype))
    return module


def reft(kind, width=HIDDEN, seed=1, **extra):
    settings = dict(embed_dim=width, low_rank_dimension=RANK, dtype=torch.float32)
    if kind in ("NoReFT", "NodiReFT"):
        settings["add_bias"] = False
    settings.update(extra)
    names = {"LoReFT": "Loreft", "NoReFT": "Noreft", "ConsReFT": "Consreft", "LobiReFT": "Lobireft",
             "DiReFT": "Direft", "NodiReFT": "Nodireft"}
    return seeded(getattr(pyreft, f"{names[kind]}Intervention")(**settings), seed)


def at(module, layer=0, component="block_output", **fields):
    return dict(layer=layer, component=component, low_rank_dimension=RANK, intervention=module) | fields


def run(intervenable, model, given, locations, sources=None, subspaces=None):
    """The logits of all sequences, one after another."""
    logits = []
    with torch.no_grad():
        for index, row in enumerate(given["sequences"]):
            per_key = [[rows] for rows in locations[index]]
            arguments = {"base": {"input_ids": torch.tensor([row])}}
            if sources:
                arguments["sources"] = [{"input_ids": torch.tensor([run[index]])} if run else None for run in sources]
                arguments["unit_locations"] = {"sources->base": (per_key, per_key)}
            else:
                arguments["unit_locations"] = {"sources->base": (None, per_key)}
            if subspaces is not None:
                arguments["subspaces"] = [[choice] for choice in subspaces[index]]
            _, output = intervenable(**arguments)
            logits.append(output.logits[0] if output.logits.dim() == 3 else output.logits)
    return torch.cat(logits)


def write_case(name, model_name, representations, positions, run_representations=None, options=None, mode="parallel",
               sources=None, subspaces=None, include_model=False, sides=None, prepare=None):
    """Saves the folder of `representations` and records what `run_representations` (or they themselves) give."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    model = tiny_model(model_name)
    given = {"sequences": sequences(), "prompt_lengths": PROMPT_LENGTHS}
    is_reft = any(isinstance(r["intervention"], pv.SourcelessIntervention) for r in representations)
    make = pyreft.ReftModel if is_reft else pv.IntervenableModel
    config = pyreft.ReftConfig if is_reft else pv.IntervenableConfig
    intervenable = make(config(representations=representations, mode=mode), model)
    if prepare:
        prepare(model)
    intervenable.save(str(folder / "adapter"), include_model=include_model)
    if run_representations:
        model = tiny_model(model_name)
        if prepare:
            prepare(model)
        intervenable = make(config(representations=run_representations, mode=mode), model)
    count = len(run_representations or representations)
    # Which side of the positions each intervention has; all sides where there is one for them all.
    chosen = [sum(rows_of(positions, length), []) for length in PROMPT_LENGTHS]
    locations = [[chosen[index]] * count for index in range(3)]
    if sides:
        locations = [[rows_of(positions, length)[side] for side in sides] for length in PROMPT_LENGTHS]
    logits = run(intervenable, model, given, locations, sources, subspaces)
    if sources:
        given["sources"] = {f"source-{number}": {"sequences": rows} for number, rows in enumerate(sources) if rows}
    write_tensors(folder / "expected.safetensors", {"expected.logits": logits})
    case = {"model": model_name, "positions": positions, "input": given}
    if options:
        case["options"] = options
    write_json(folder / "case.json", case)


def reft_cases():
    for seed, kind in enumerate(["LoReFT", "NoReFT", "ConsReFT", "LobiReFT", "DiReFT", "NodiReFT"]):
        modules = [reft(kind, seed=10 * seed + layer) for layer in range(2)]
        write_case(f"llama-{kind.lower()}-f2l2-tied", "llama", [at(m, l) for l, m in enumerate(modules)], "f2+l2")
    modules = [reft("LoReFT", seed=80 + number) for number in range(4)]
    write_case("llama-loreft-f2l2-untied", "llama", [at(m, number % 2) for number, m in enumerate(modules)], "f2+l2",
               sides=[0, 0, 1, 1])
    write_case("gpt2-loreft-f2l2-tied", "gpt2", [at(reft("LoReFT", seed=90 + l), l) for l in range(2)], "f2+l2")
    write_case("gpt2-nodireft-one-layer", "gpt2", [at(reft("NodiReFT", seed=95), 1)], "l1")
    write_case("llama-noreft-add-bias", "llama", [at(reft("NoReFT", seed=97, add_bias=True), 0)], "l1")
    write_case("llama-direft-gelu", "llama", [at(reft("DiReFT", seed=98, act_fn="gelu"), 0)], "l1",
               options={"activation": "gelu"})
    write_case("llama-loreft-mlp-and-attention", "llama",
               [at(reft("LoReFT", seed=100), 0, "mlp_output"), at(reft("LoReFT", seed=101), 1, "attention_output")],
               "f2+l2")
    write_case("llama-direft-module-paths", "llama",
               [at(reft("DiReFT", seed=110), 0, "model.layers[0].mlp.output"),
                at(reft("DiReFT", seed=111), 0, "model.layers[1].self_attn.o_proj.input")], "l1")
    write_case("roberta-loreft-module-paths", "roberta",
               [at(reft("LoReFT", seed=112 + l), 0, f"roberta.encoder.layer[{l}].output") for l in range(2)], "f3")
    # bf16 weights, pyreft's default, beside an f32 model: LoReFT would not run, so its copy in f32 does.
    halves = [reft("LoReFT", seed=120 + l, dtype=torch.bfloat16) for l in range(2)]
    copies = [reft("LoReFT", seed=0) for _ in range(2)]
    for half, copy in zip(halves, copies):
        copy.load_state_dict({k: v.float() for k, v in half.state_dict().items()})
    write_case("llama-loreft-bf16", "llama", [at(m, l) for l, m in enumerate(halves)], "f2+l2",
               [at(m, l) for l, m in enumerate(copies)])
    # One module at two layers: linked in the folder, shared without a link where it runs.
    shared = reft("LoReFT", seed=130)
    write_case("llama-loreft-linked-layers", "llama",
               [at(shared, l, intervention_link_key=0) for l in range(2)], "f2+l2", [at(shared, l) for l in range(2)])
    shared = reft("ConsReFT", seed=131)
    write_case("llama-consreft-linked-sides", "llama", [at(shared, 1, intervention_link_key=5) for _ in range(2)],
               "f2+l2", [at(shared, 1) for _ in range(2)], sides=[0, 1])
    write_case("llama-loreft-partition", "llama",
               [at(reft("LoReFT", seed=140), 0, subspace_partition=[[0, 1], [1, 3]])], "l1")

    write_case("llama-loreft-with-model", "llama", [at(reft("LoReFT", seed=150), 0)], "l1", include_model=True,
               prepare=trained(["model.embed_tokens.weight", "model.layers.1.mlp.down_proj.weight", "model.norm.weight"],
                               unmoved=["model.layers.0.input_layernorm.weight"]))
    write_case("gpt2-loreft-with-model", "gpt2", [at(reft("LoReFT", seed=151), 1)], "f2+l2", include_model=True,
               prepare=trained(["transformer.wpe.weight", "transformer.h.0.attn.c_attn.weight",
                                "transformer.h.0.attn.c_attn.bias"]))
    write_case("roberta-loreft-with-model", "roberta", [at(reft("LoReFT", seed=152), 0, "roberta.encoder.layer[0].output")],
               "f3", include_model=True,
               prepare=trained(["roberta.embeddings.position_embeddings.weight", "classifier.dense.bias"]))
    write_case("llama-loreft-with-its-model", "llama", [at(reft("LoReFT", seed=153), 0)], "l1", include_model=True,
               prepare=trained([], unmoved=["model.norm.weight", "model.embed_tokens.weight"]))


def trained(moved, unmoved=()):
    """Makes weights of a model trained ones, some of them with other numbers."""

    def prepare(model):
        generator = torch.Generator().manual_seed(31)
        weights = dict(model.named_parameters())
        for name in list(moved) + list(unmoved):
            weights[name].requires_grad_(True)
            if name in moved:
                with torch.no_grad():
                    weights[name].add_(0.2 * torch.randn(weights[name].shape, generator=generator))

    return prepare


def pyvene_module(kind, seed, **extra):
    settings = dict(embed_dim=HIDDEN, low_rank_dimension=RANK) | extra
    module = getattr(pv, f"{kind}Intervention")(**settings)
    return seeded(module, seed) if kind not in ("Zero", "Vanilla", "Addition", "Subtraction", "Collect", "Skip") else module


def pyvene_cases():
    source = [sequences(seed=200 + number) for number in range(2)]
    for seed, kind in enumerate(["Vanilla", "RotatedSpace", "LowRankRotatedSpace", "BoundlessRotatedSpace",
                                 "SigmoidMaskRotatedSpace", "SigmoidMask", "Autoencoder"]):
        extra = {"latent_dim": 6} if kind == "Autoencoder" else {}
        fields = dict(latent_dim=6) if kind == "Autoencoder" else {}
        module = pyvene_module(kind, 300 + seed, **extra)
        if kind == "RotatedSpace":
            module.set_interchange_dim(5)
        if kind.endswith("Autoencoder"):
            module.set_interchange_dim([0, 3])
        write_case(f"llama-{kind.lower()}", "llama", [at(module, 0, **fields)], "2", sources=source[:1])
    # More latents than columns: unless it is told otherwise, pyvene interchanges as many as there are columns.
    for name, latents, dimension in [("some", 6, 4), ("all", 6, None), ("more-than-columns", HIDDEN + 8, None)]:
        module = pyvene_module("JumpReLUAutoencoder", 340, low_rank_dimension=latents)
        if dimension:
            module.set_interchange_dim(dimension)
        write_case(f"llama-jumprelu-{name}", "llama", [at(module, 0, low_rank_dimension=latents)], "2",
                   sources=source[:1])
    write_case("llama-two-sources", "llama",
               [at(pyvene_module("LowRankRotatedSpace", 320), 0), at(pyvene_module("Vanilla", 0), 1, "mlp_output")],
               "2", sources=source)
    write_case("llama-one-group", "llama",
               [at(pyvene_module("LowRankRotatedSpace", 321), 0, group_key=0),
                at(pyvene_module("Addition", 0), 1, "mlp_output", group_key=0)], "2", sources=source[:1])
    vector = torch.randn(HIDDEN, generator=torch.Generator().manual_seed(7))
    write_case("llama-constant-sources", "llama",
               [at(pyvene_module("Addition", 0, source_representation=vector), 0, source_representation=vector),
                at(pyvene_module("Vanilla", 0, source_representation=vector), 1, "mlp_output",
                   source_representation=vector)], "2")
    write_case("llama-zero", "llama", [at(pyvene_module("Zero", 0), 1, "attention_output")], "f2+l2")
    write_case("llama-subspace-partition", "llama",
               [at(pyvene_module("LowRankRotatedSpace", 330, subspace_partition=[[0, 1], [1, 3]]), 0,
                   subspace_partition=[[0, 1], [1, 3]])], "2", sources=source[:1],
               subspaces=[[[0]], [[1]], [[0, 1]]],
               options={"subspaces": [["0"], ["1"], ["0", "1"]]})


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    shutil.rmtree(FOLDER, ignore_errors=True)
    reft_cases()
    pyvene_cases()
