"""Writes Tests/Fixtures/generation/edits.json: what pyvene's `generate` gives with edits of prompt rows, of generated
rows, and of all rows; greedy and with beams, whose positions pyvene wants repeated by hand.

Each answer is computed a second time by transformers with plain forward hooks, without a cache; the two must agree.
"""

import pyvene
import torch
from pyreft import LoreftIntervention

from fixture_files import FIXTURES, write_json
from make_generation import NEW_TOKENS
from tiny_models import HIDDEN, sequences, tiny_model

RANK = 2
LAYERS = {"llama": lambda model: model.model.layers, "gpt2": lambda model: model.transformer.h}


def loreft(seed):
    generator = torch.Generator().manual_seed(seed)
    edit = LoreftIntervention(embed_dim=HIDDEN, low_rank_dimension=RANK, dtype=torch.float32)
    with torch.no_grad():
        rotation = torch.linalg.qr(torch.randn(HIDDEN, RANK, generator=generator))[0]
        edit.rotate_layer.weight = rotation
        edit.learned_source.weight.copy_(0.5 * torch.randn(RANK, HIDDEN, generator=generator))
        edit.learned_source.bias.copy_(torch.randn(RANK, generator=generator))
    return edit.eval()


def addition(seed):
    vector = torch.randn(HIDDEN, generator=torch.Generator().manual_seed(seed))
    edit = pyvene.AdditionIntervention(embed_dim=HIDDEN, source_representation=vector)
    return edit.eval()


def as_json(kind, edit):
    """The intervention as in a program file, and its parameters."""
    if kind == "Add":
        return {"type": "Add", "vector": edit.source_representation.tolist()}, {}
    if kind == "Zero":
        return {"type": "Zero"}, {}
    return {"type": "LoReFT", "rank": RANK}, {
        "rotation": edit.rotate_layer.weight.detach().flatten().tolist(),
        "weight": edit.learned_source.weight.detach().flatten().tolist(),
        "bias": edit.learned_source.bias.detach().tolist(),
    }


MAKERS = {"LoReFT": loreft, "Add": addition,
          "Zero": lambda seed: pyvene.ZeroIntervention(embed_dim=HIDDEN).eval()}

# name, [(type, component, layer)], our positions, pyvene's rows of the prompt (None: all), intervene_on_prompt
CASES = [
    ("last prompt row", [("LoReFT", "block_output", 0)], "l1", [-1], True),
    ("two prompt rows, two edits", [("LoReFT", "block_output", 0), ("Add", "mlp_output", 1)], "1,3", [1, 3], True),
    ("generated rows", [("Add", "block_output", 0)], "generated", None, False),
    ("generated rows, three edits",
     [("LoReFT", "block_output", 0), ("Zero", "mlp_output", 1), ("Add", "attention_output", 1)], "generated", None, False),
    ("all rows", [("LoReFT", "block_output", 1), ("Add", "attention_output", 0)], "all", None, True),
]


def pyvene_answers(model, prompt, edits, rows, on_prompt, beams):
    config = pyvene.IntervenableConfig([
        {"layer": layer, "component": component, "intervention": edit, "low_rank_dimension": RANK}
        for edit, component, layer in edits])
    intervenable = pyvene.IntervenableModel(config, model)
    width = max(beams, 1)
    if rows is not None:
        locations = {"sources->base": (None, [[rows] * width] * len(edits))}
    elif on_prompt:
        # Every row of every forward pass.
        locations = {"sources->base": (None, [None] * len(edits))}
    else:
        # The one row of each decode step.
        locations = {"sources->base": (None, [[[0]] * width] * len(edits))}
    extra = dict(num_beams=beams, num_return_sequences=beams, output_scores=True) if beams else {}
    with torch.no_grad():
        _, output = intervenable.generate(
            {"input_ids": torch.tensor([prompt]), "attention_mask": torch.ones(1, len(prompt), dtype=torch.long)},
            unit_locations=locations, intervene_on_prompt=on_prompt, do_sample=False, max_new_tokens=NEW_TOKENS,
            pad_token_id=0, eos_token_id=None, return_dict_in_generate=True, **extra)
    answers = [row[len(prompt):].tolist() for row in output.sequences]
    return answers, output.sequences_scores.tolist() if beams else None


def module_of(model, name, component, layer):
    block = LAYERS[name](model)[layer]
    if component == "block_output":
        return block
    if component == "mlp_output":
        return block.mlp
    return block.self_attn if name == "llama" else block.attn


def hooked_answers(model, name, prompt, edits, rows, on_prompt, beams):
    """The same without a cache: every forward pass runs the whole sequence and edits the rows that pyvene edits."""
    def hook(edit):
        def change(module, inputs, output):
            hidden = (output[0] if isinstance(output, tuple) else output).clone()
            if rows is not None:
                chosen = [row % len(prompt) for row in rows]
            elif on_prompt:
                chosen = list(range(hidden.shape[1]))
            else:
                chosen = list(range(len(prompt), hidden.shape[1]))
            if chosen:
                old = hidden[:, chosen]
                hidden[:, chosen] = old * 0 if isinstance(edit, pyvene.ZeroIntervention) else edit(old, None)
            return (hidden, *output[1:]) if isinstance(output, tuple) else hidden
        return change

    handles = [module_of(model, name, component, layer).register_forward_hook(hook(edit))
               for edit, component, layer in edits]
    extra = dict(num_beams=beams, num_return_sequences=beams, output_scores=True) if beams else {}
    try:
        with torch.no_grad():
            output = model.generate(
                torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
                max_new_tokens=NEW_TOKENS, pad_token_id=0, eos_token_id=None, return_dict_in_generate=True,
                use_cache=False, **extra)
    finally:
        for handle in handles:
            handle.remove()
    answers = [row[len(prompt):].tolist() for row in output.sequences]
    return answers, output.sequences_scores.tolist() if beams else None


def main():
    written, same = [], 0
    for name in LAYERS:
        for label, kinds, positions, rows, on_prompt in CASES:
            for index, prompt in enumerate(sequences()[:2]):
                for beams in (0, 3):
                    model = tiny_model(name)
                    edits = [(MAKERS[kind](10 * place + 3), component, layer)
                             for place, (kind, component, layer) in enumerate(kinds)]
                    real = None if rows is None else [row % len(prompt) for row in rows]
                    found = hooked_answers(model, name, prompt, edits, rows, on_prompt, beams)
                    peer = pyvene_answers(tiny_model(name), prompt, edits, real, on_prompt, beams)
                    assert peer[0] == found[0], f"{name} {label} {index} {beams}: {peer[0]} {found[0]}"
                    if beams:
                        assert max(abs(a - b) for a, b in zip(peer[1], found[1])) < 1e-4
                    same += 1
                    declarations = []
                    state = {}
                    for place, (kind, (edit, component, layer)) in enumerate(zip([kind for kind, _, _ in kinds], edits)):
                        intervention, parameters = as_json(kind, edit)
                        declarations.append({
                            "name": f"edit{place}", "intervention": intervention,
                            "site": {"component": component, "layers": [layer]}, "positions": positions,
                            "tied": True})
                        state |= {f"edit{place}.{layer}.{key}": value for key, value in parameters.items()}
                    written.append(dict(
                        name=f"{name}, {label}, prompt {index}" + (f", {beams} beams" if beams else ""), model=name,
                        prompt=prompt, beams=beams, program={"format": "swift-reft/program", "version": 1,
                                                            "declarations": declarations},
                        state=state, answers=peer[0], scores=peer[1]))
    write_json(FIXTURES / "generation" / "edits.json", written)
    print(same, "cases")


if __name__ == "__main__":
    main()
