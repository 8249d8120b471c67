"""Writes the rest of Tests/Fixtures/counterparts: each type at one and at several positions, with and without a
subspace, in two families, where no other fixture has that cell; and types on single heads.

On heads the values come from plain hooks on the projections' columns, and the logits are compared with those of pyvene's
IntervenableModel.
"""

import pyvene
import torch

import make_counterparts as made
from make_counterparts import HIDDEN, Counterpart, noise, reference, subspaces

SOME, LATENT, RANKS, COMPONENTS = list(range(0, HIDDEN, 3)), [1, 4, 7], [0, 2], [0, 3, 5]
ONE, SEVERAL = "l1", "f2+l2"
REFT = ["LoReFT", "NoReFT", "ConsReFT", "LobiReFT", "DiReFT", "NodiReFT"]
GROUPED = "llama3-rope-scaling"


def add(generator):
    vector = noise(generator, HIDDEN)
    module = pyvene.AdditionIntervention(embed_dim=HIDDEN)
    return Counterpart({"type": "Add", "vector": reference("vector", HIDDEN)},
                       lambda h, _, c: module(h, vector.expand_as(h).clone(), subspaces=subspaces(c)),
                       constants={"vector": vector})


def collect(_):
    module = pyvene.CollectIntervention(embed_dim=HIDDEN)

    def edit(h, _, coordinates):
        counterpart.collected.append(module(h, subspaces=subspaces(coordinates))[0].clone())
        return h
    counterpart = Counterpart({"type": "Collect"}, edit)
    return counterpart


def skip(_):
    module = pyvene.SkipIntervention(embed_dim=HIDDEN)
    return Counterpart({"type": "Skip"}, lambda h, s, c: module(h, s, subspaces=subspaces(c)))


def cases():
    """(model, name, counterpart, positions, subspace)."""
    types = {kind: (made.plain(kind), SOME) for kind in ["Interchange", "AddSource", "SubtractSource", "Zero"]}
    types |= {kind: (made.low_rank_reft(kind), RANKS) for kind in REFT}
    types |= {
        "Add": (add, SOME), "Collect": (collect, SOME), "Skip": (skip, SOME), "Rotated": (made.rotated, SOME),
        "Low-Rank": (made.low_rank, RANKS), "Boundless": (made.boundless(3.0, 0.4), SOME),
        "Sigmoid-Rotated": (made.sigmoid_rotated, SOME), "Sigmoid": (made.sigmoid, SOME), "PCA": (made.pca, COMPONENTS),
        "Autoencoder": (made.autoencoder(False, False), LATENT), "Jump-ReLU": (made.jump_relu(None), LATENT),
    }
    found = []
    for model in ["llama", "gpt2"]:
        lists = {
            "single-subspace": [kind for kind in types if kind != "Low-Rank"],
            "several": ["Autoencoder", "PCA", "Rotated", "SubtractSource", "Collect", "Skip", "Jump-ReLU"],
            "single": ["Low-Rank", "Sigmoid", "Sigmoid-Rotated", "Add", "Collect", "Skip"],
            "several-subspace": ["Add", "Collect", "Skip"],
        }
        if model == "gpt2":
            lists["single"] += [*REFT, "Zero"]
        for cell, kinds in lists.items():
            for kind in kinds:
                make, coordinates = types[kind]
                found.append((model, f"{kind.lower()}-{cell}", make, ONE if "single" in cell else SEVERAL,
                              coordinates if "subspace" in cell else None))
    return found


def narrow_low_rank(generator):
    return made.low_rank(generator, width=HIDDEN // 4)


def head_cases():
    """(model, name, counterpart, positions, component, heads)."""
    kinds = [("interchange", made.plain("Interchange"), SEVERAL, 2), ("zero", made.plain("Zero"), ONE, 1),
             ("low-rank", narrow_low_rank, SEVERAL, 1)]
    return [(model, f"head-{component.removesuffix('_output').replace('_', '-')}-{word}", make, positions, component,
             heads[:count])
            for model in ["gpt2", GROUPED]
            for component, all_heads in [("query_output", [3, 1]), ("key_output", [1, 0]), ("value_output", [1, 0]),
                                         ("attention_value_output", [2, 0])]
            for word, make, positions, count in kinds
            for heads in [sorted(all_heads[:count])]]


def pyvene_heads(component, heads, seed):
    """pyvene's logits with the same type on the same heads."""
    def check(model, counterpart, base, source, rows):
        kind = counterpart.settings["type"]
        module = {"Interchange": pyvene.VanillaIntervention, "Zero": pyvene.ZeroIntervention}.get(kind)
        if module is None:
            module = pyvene.LowRankRotatedSpaceIntervention(embed_dim=HIDDEN // 4, low_rank_dimension=made.RANK)
            made.orthogonalise(module, torch.Generator().manual_seed(seed))
        else:
            module = module(embed_dim=HIDDEN // 4)
        configuration = pyvene.IntervenableConfig([pyvene.RepresentationConfig(
            0, f"head_{component}", "h.pos", len(rows), intervention=module)])
        intervenable = pyvene.IntervenableModel(configuration, model)
        place = [[[heads], [rows]]]
        sources, locations = [{"input_ids": torch.tensor([source])}], {"sources->base": (place, place)}
        if kind == "Zero":
            sources, locations = None, {"base": place}
        with torch.no_grad():
            _, output = intervenable({"input_ids": torch.tensor([base])}, sources, unit_locations=locations)
        for hooks in model.modules():
            assert not hooks._forward_hooks and not hooks._forward_pre_hooks
        return output.logits[0]
    return check


def main():
    for seed, case in enumerate(cases(), start=4000):
        made.write_case(*case, seed, is_short=True)
    for seed, (model, name, make, positions, component, heads) in enumerate(head_cases(), start=4500):
        check = pyvene_heads(component, heads, seed)
        made.write_case(model, name, make, positions, None, seed, component, heads, is_short=True, check=check)


if __name__ == "__main__":
    main()
