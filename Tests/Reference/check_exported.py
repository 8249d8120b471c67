"""Loads with the real pyreft and pyvene what `PyreftFolder.write` and `ControlVector.write` wrote, and compares outputs.

    EXPORT_OUTPUT=FOLDER swift test --filter ExportedFolderTests
    python Tests/Reference/check_exported.py FOLDER

Each case is loaded twice: by the peers' own `load`, and with modules in float32 whose state is loaded (their own load
makes some of them bfloat16, and can not make those that need `add_bias` or lie at a module path). Prints the largest
difference of the logits as a share of the largest of them, and fails where the second way differs by more than 1e-5.
"""

import json
import logging
import pathlib
import sys

import gguf
import numpy as np
import pyreft
import pyvene as pv
import torch
from safetensors.torch import load_file

from fixture_files import FIXTURES
from make_pyreft_folders import rows_of, run
from tiny_models import tiny_model

BOUND = 1e-5


def class_named(text):
    module, name = text.replace("<class '", "").replace("'>", "").rsplit(".", 1)
    return getattr({"pyreft.interventions": pyreft.interventions}.get(module, pv.models.interventions), name)


def module_of(config, index, folder, key):
    """The intervention in float32 with the state that its file holds."""
    opts = pv.RepresentationConfig(*config["representations"][index])
    path = folder / f"intkey_{key}.bin"
    state = torch.load(path, weights_only=True) if path.exists() else None
    kind = class_named(config["intervention_types"][index])
    dimension = config["intervention_dimensions"][index]
    width = int(state["embed_dim"]) if state and "embed_dim" in state else dimension
    if state and "weight" in state:
        width = state["weight"].shape[1]
    settings = dict(embed_dim=width, low_rank_dimension=opts.low_rank_dimension, dtype=torch.float32,
                    latent_dim=opts.latent_dim, subspace_partition=opts.subspace_partition)
    if kind.__name__ in ("NoreftIntervention", "NodireftIntervention"):
        settings["add_bias"] = "proj_layer.bias" in state
    if state and "source_representation" in state and config["intervention_constant_sources"][index]:
        settings["source_representation"] = state["source_representation"]
    module = kind(**settings)
    if isinstance(module, pv.TrainableIntervention):
        module.load_state_dict(state)
    module.set_interchange_dim(dimension)
    return module, opts


def locations(case, config):
    """The rows of each intervention: of its side where a site has several, else of all sides."""
    counts, numbers = {}, []
    for opts in config["representations"]:
        place = tuple(opts[:3])
        numbers.append(counts.get(place, 0))
        counts[place] = counts.get(place, 0) + 1
    result = []
    for length in case["input"]["prompt_lengths"]:
        sides = rows_of(case["positions"], length)
        untied = len(sides) > 1 and max(counts.values()) == len(sides)
        result.append([sides[number] if untied else sum(sides, []) for number in numbers])
    return result


def difference(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


def check(name, folder):
    case = json.loads((FIXTURES / "pyreft" / name / "case.json").read_text())
    expected = load_file(FIXTURES / "pyreft" / name / "expected.safetensors")["expected.logits"]
    config = json.loads((folder / "config.json").read_text())
    given = case["input"]
    sources = [given["sources"][key]["sequences"] for key in sorted(given["sources"])] if "sources" in given else None
    groups = {opts[8] for opts in config["representations"]}
    if sources and groups == {None}:
        by_index = dict(zip(sorted(given["sources"]), sources))
        sources = [by_index.get(f"source-{i}") for i in range(len(config["representations"]))]
    is_reft = any("pyreft" in kind for kind in config["intervention_types"])
    make = pyreft.ReftModel if is_reft else pv.IntervenableModel
    weights = folder / "pytorch_model.bin"
    try:
        loaded = make.load(str(folder), tiny_model(case["model"]), include_model=weights.exists())
        loaded_as = "loads"
        if any("learned_source" in n and p.dtype == torch.bfloat16 for v in loaded.interventions.values()
               for n, p in v.named_parameters()):
            loaded_as = "loads as bfloat16"
        else:
            loaded_as += f" {difference(run(loaded, loaded.model, given, locations(case, config), sources), expected):.1e}"
    except Exception as error:  # what the peers' load can not take is reported, not hidden
        loaded_as = f"own load: {type(error).__name__}: {str(error)[:60]}"
    representations = []
    for index, key in enumerate(config["sorted_keys"]):
        module, opts = module_of(config, index, folder, key)
        if case.get("options", {}).get("activation"):
            from transformers.activations import ACT2FN
            module.act_fn = ACT2FN[case["options"]["activation"]]
        representations.append(dict(layer=opts.layer, component=opts.component, unit=opts.unit,
                                    low_rank_dimension=opts.low_rank_dimension, group_key=opts.group_key,
                                    intervention=module))
    intervenable = make((pyreft.ReftConfig if is_reft else pv.IntervenableConfig)(representations=representations),
                        tiny_model(case["model"]))
    if weights.exists():
        unknown = intervenable.model.load_state_dict(torch.load(weights, weights_only=True), strict=False).unexpected_keys
        assert not unknown, unknown
    worst = difference(run(intervenable, intervenable.model, given, locations(case, config), sources), expected)
    print(f"{name:34} {worst:.1e}   {loaded_as}")
    assert worst <= BOUND, name
    return worst


def check_control_vector(name, path):
    mine, theirs = gguf.GGUFReader(path), gguf.GGUFReader(FIXTURES / "control_vectors" / name / "vector.gguf")
    case = json.loads((FIXTURES / "control_vectors" / name / "case.json").read_text())
    assert mine.fields["general.architecture"].contents() == "controlvector"
    first, second = ({t.name: t.data for t in file.tensors} for file in (mine, theirs))
    assert first.keys() == second.keys()
    for key in first:
        assert np.allclose(first[key], second[key] * case["strength"], rtol=1e-6)
    print(f"{name}: {len(first)} directions as they were")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    output = pathlib.Path(sys.argv[1])
    worst = [check(folder.name, folder) for folder in sorted((output / "pyreft").iterdir())]
    for file in sorted((output / "control_vectors").iterdir()):
        check_control_vector(file.stem, file)
    print(f"{len(worst)} folders, the worst differs by {max(worst):.1e}")
