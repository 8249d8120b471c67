"""Writes Tests/Fixtures/handbuilt: pyvene's MLP and GRU classifiers on seeded weights, plain and with interchanges.

`mlp` and `gru` hold `weights.safetensors` (PyTorch's names), `cases.json` (`features` and `source_features` by sequence,
`labels`) and `expected.safetensors`: `logits` and `hidden.L` (states, rows of all sequences one after another),
`loss`, `gradient.weight:NAME`, and for each entry of `interchanges` the `logits` after it. What pyvene gives was compared
with a forward pass written out here, which is what counts where they differ (see `gru`).
"""

import pyvene as pv
import torch
from pyvene.models.gru.modelings_gru import GRUConfig, GRUForClassification
from pyvene.models.mlp.modelings_mlp import MLPConfig, MLPForClassification

from fixture_files import FIXTURES, write_json, write_tensors
from tiny_models import randomise

WIDTH, CLASSES, STEPS = 8, 3, 6
LABELS = [2, 0, 1, 1]


def numbers(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def intervened(model, layer, component, unit, base, source, location):
    config = pv.IntervenableConfig(
        [pv.RepresentationConfig(layer, component, unit, 1)], intervention_types=pv.VanillaIntervention,
        model_type=type(model))
    intervenable = pv.IntervenableModel(config, model)
    _, output = intervenable({"inputs_embeds": base}, [{"inputs_embeds": source}], {"sources->base": location})
    return output[0].detach()


# MARK: MLP

def mlp():
    model = randomise(MLPForClassification(MLPConfig(
        n_layer=2, h_dim=WIDTH, num_classes=CLASSES, pdrop=0.0, squeeze_output=True)), 71).eval()
    base, source = numbers(72, 4, 1, WIDTH), numbers(73, 4, 1, WIDTH)

    def forward(rows, edit=lambda layer, rows: rows):
        states = []
        for layer, block in enumerate(model.mlp.h):
            rows = edit(layer, torch.nn.functional.gelu(rows @ block.ff1.weight.T + block.ff1.bias))
            states.append(rows)
        return rows @ model.score.weight.T + model.score.bias, states

    logits, states = forward(base[:, 0])
    assert torch.allclose(logits, model(inputs_embeds=base)[0], atol=1e-6)
    _, source_states = forward(source[:, 0])
    tensors = {"logits": logits} | {f"hidden.{layer}": state for layer, state in enumerate(states)}
    for layer in range(2):
        by_hand, _ = forward(base[:, 0], lambda at, rows: source_states[layer] if at == layer else rows)
        by_pyvene = intervened(model, layer, "block_output", "pos", base, source, 0)
        assert torch.allclose(by_hand, by_pyvene, atol=1e-6), layer
        tensors[f"interchange.{layer}.logits"] = by_pyvene
    return model, base, source, tensors


# MARK: GRU

def gru():
    model = randomise(GRUForClassification(GRUConfig(
        n_layer=2, h_dim=WIDTH, n_labels=CLASSES, pdrop=0.0)), 81).eval()
    base, source = numbers(82, 4, STEPS, WIDTH), numbers(83, 4, STEPS, WIDTH)

    def forward(rows, edit=lambda layer, step, state: state):
        """Logits after the last step, and the states [sequences, steps, width] of each layer."""
        states = [torch.zeros(rows.shape[0], WIDTH) for _ in range(2)]
        history = [[], []]
        for step in range(rows.shape[1]):
            below = rows[:, step]
            for layer, cell in enumerate(model.gru.cells):
                x_reset, x_update, x_new = (below @ cell.x2h.weight.T + cell.x2h.bias).chunk(3, 1)
                h_reset, h_update, h_new = (states[layer] @ cell.h2h.weight.T + cell.h2h.bias).chunk(3, 1)
                update = torch.sigmoid(x_update + h_update)
                new = torch.tanh(x_new + torch.sigmoid(x_reset + h_reset) * h_new)
                states[layer] = edit(layer, step, update * states[layer] + (1 - update) * new)
                history[layer].append(states[layer])
                below = states[layer]
        return below @ model.score.weight.T, [torch.stack(steps, 1) for steps in history]

    logits, states = forward(base)
    assert torch.allclose(logits, model(inputs_embeds=base)[0], atol=1e-6)
    _, source_states = forward(source)
    tensors = {"logits": logits}
    tensors |= {f"hidden.{layer}": state.reshape(-1, WIDTH) for layer, state in enumerate(states)}
    for layer, step in [(0, 2), (1, 0), (1, 4)]:
        def edit(at, when, state):
            return source_states[layer][:, step] if (at, when) == (layer, step) else state
        by_hand, edited = forward(base, edit)
        # pyvene 0.1.8 takes one sequence at a time here, and sets the states of all other steps to zero. So the
        # expected values are those of the forward pass above; that zeros explain pyvene's is asserted.
        by_pyvene = torch.cat([
            intervened(model, layer, "cell_output", "t", base[index:index + 1], source[index:index + 1], step)
            for index in range(len(base))])
        zeroed, _ = forward(base, lambda at, when, state: state if at != layer else (
            source_states[layer][:, step] if when == step else torch.zeros_like(state)))
        assert torch.allclose(zeroed, by_pyvene, atol=1e-6), (layer, step)
        tensors[f"interchange.{layer}.{step}.logits"] = by_hand
        tensors[f"interchange.{layer}.{step}.hidden"] = edited[layer].reshape(-1, WIDTH)
    # Sequences of different lengths, which the peer runs one by one; the source's step 1 at the base's last.
    lengths = [6, 2, 4, 1]
    alone = torch.cat([forward(base[index:index + 1, :length])[0] for index, length in enumerate(lengths)])
    tensors["ragged.logits"] = alone
    swapped = [forward(base[index:index + 1, :length],
                       lambda at, when, state: source_states[0][index:index + 1, 0] if (at, when) == (0, length - 1)
                       else state)[0] for index, length in enumerate(lengths)]
    tensors["ragged.interchange.logits"] = torch.cat(swapped)
    return model, base, source, tensors


def main():
    for name, build in [("mlp", mlp), ("gru", gru)]:
        model, base, source, tensors = build()
        weights = dict(model.requires_grad_(True).named_parameters())
        loss = torch.nn.functional.cross_entropy(model(inputs_embeds=base)[0], torch.tensor(LABELS))
        slopes = torch.autograd.grad(loss, list(weights.values()))
        tensors |= {"loss": loss.reshape(1)}
        tensors |= {f"gradient.weight:{key}": value.reshape(-1, value.shape[-1]) for key, value in zip(weights, slopes)}
        folder = FIXTURES / "handbuilt" / name
        write_tensors(folder / "weights.safetensors", weights)
        write_tensors(folder / "expected.safetensors", tensors)
        write_tensors(folder / "features.safetensors", {"base": base.reshape(-1, WIDTH), "source": source.reshape(-1, WIDTH)})
        write_json(folder / "cases.json", {"labels": LABELS, "steps": base.shape[1]})
        print(name, sum(value.numel() for value in weights.values()))


if __name__ == "__main__":
    main()
