"""Writes Tests/Fixtures/counterparts: interventions that read a source run, or act in subspaces, on the tiny models.

The expected values come from pyvene's own modules where these do what they say, else from the formula written out here:
pyreft's classes and pyvene's boundless and sigmoid-masked ones accept `subspaces` and ignore them, and its autoencoder
overwrites a value that its backward pass needs. Tensors are named as this package names parameters.
"""

import types

import pyvene
import torch
from torch.nn.utils import parametrize

from fixture_files import FIXTURES, write_json, write_tensors
from recorded_sites import Recording, _site_modules, causal_loss_sum
from tiny_models import HIDDEN, causal_labels, sequences, tiny_model

PROMPT_LENGTHS = [5, 4, 8]
RANK, LATENTS, COMPONENTS = 3, 12, 8
LENGTHS = (9, 5, 12)
SOURCELESS = ["Zero", "Add", "Collect", "Skip"]
PARTS = {"left": [0, 2], "right": [1]}
CHOICES = [["left"], ["right"], ["right", "left"]]


def rows_of(text, length, prompt):
    """The edited rows of a sequence; the ends do not overlap here."""
    return {"all": list(range(length)), "l1": [prompt - 1],
            "f2+l2": [0, 1, prompt - 2, prompt - 1]}[text]


class Counterpart:
    """A type with its trained tensors (under our names), constants, and `edit(h, s, coordinates)`; None is all.

    `s` are the rows of the source run, for Skip those of the module's input. Collect puts what it sees in `collected`.
    """

    def __init__(self, settings, edit, trained=None, constants=None):
        self.settings, self.edit, self.trained, self.constants = settings, edit, trained or {}, constants or {}
        self.collected = []


def noise(generator, *shape):
    return torch.randn(*shape, generator=generator)


def orthogonalise(module, generator):
    """Moves torch's Householder map away from its starting point."""
    parametrization = module.rotate_layer.parametrizations.weight
    size, columns = parametrization.original.shape
    with torch.no_grad():
        full, _ = torch.linalg.qr(noise(generator, size, size))
        parametrization[0].base.copy_(full)
        raw = (0.3 * noise(generator, size, columns)).tril(-1)
        raw.diagonal().fill_(-1.0)
        parametrization.original.copy_(raw)
    return module


def subspaces(coordinates):
    return None if coordinates is None else [coordinates]


def mask_of(coordinates, count):
    mask = torch.zeros(count)
    mask[list(range(count)) if coordinates is None else coordinates] = 1
    return mask


def plain(kind):
    """pyvene's types without parameters."""
    def make(generator):
        module = {"Interchange": pyvene.VanillaIntervention, "AddSource": pyvene.AdditionIntervention,
                  "SubtractSource": pyvene.SubtractionIntervention, "Zero": pyvene.ZeroIntervention}[kind](embed_dim=HIDDEN)

        def edit(h, s, coordinates):
            source = torch.zeros_like(h) if kind == "Zero" else s
            return module(h.clone(), source.clone(), subspaces=subspaces(coordinates))
        return Counterpart({"type": kind}, edit)
    return make


def rotated(generator):
    module = orthogonalise(pyvene.RotatedSpaceIntervention(embed_dim=HIDDEN), generator)
    return Counterpart({"type": "RotatedSpace"},
                       lambda h, s, c: module(h, s, subspaces=subspaces(c)),
                       {"rotation": lambda: module.rotate_layer.weight})


def low_rank(generator, width=HIDDEN):
    module = orthogonalise(pyvene.LowRankRotatedSpaceIntervention(embed_dim=width, low_rank_dimension=RANK), generator)
    return Counterpart({"type": "LowRankRotatedSpace", "rank": RANK},
                       lambda h, s, c: module(h, s, subspaces=subspaces(c)),
                       {"rotation": lambda: module.rotate_layer.weight})


def within(coordinates, h, s, rotation, mask):
    """((1 − mask) ⊙ h R + mask ⊙ s R) Rᵀ with the mask cut to the coordinates."""
    mask = mask * mask_of(coordinates, mask.shape[-1])
    if rotation is None:
        return (1 - mask) * h + mask * s
    return ((1 - mask) * (h @ rotation) + mask * (s @ rotation)) @ rotation.T


def boundless(temperature, boundary):
    def make(generator):
        module = orthogonalise(pyvene.BoundlessRotatedSpaceIntervention(embed_dim=HIDDEN), generator)
        module.set_temperature(torch.tensor(temperature))
        with torch.no_grad():
            module.intervention_boundaries.fill_(boundary)

        def edit(h, s, coordinates):
            if coordinates is None:
                return module(h, s)
            places = torch.arange(HIDDEN)
            limit = torch.clamp(module.intervention_boundaries, 1e-3, 1) * HIDDEN
            mask = torch.sigmoid(places / module.temperature) * torch.sigmoid((limit - places) / module.temperature)
            return within(coordinates, h, s, module.rotate_layer.weight, mask)
        return Counterpart({"type": "BoundlessRotatedSpace"}, edit,
                           {"rotation": lambda: module.rotate_layer.weight,
                            "boundary": lambda: module.intervention_boundaries,
                            "temperature": lambda: module.temperature})
    return make


def sigmoid_rotated(generator):
    module = orthogonalise(pyvene.SigmoidMaskRotatedSpaceIntervention(embed_dim=HIDDEN), generator)
    with torch.no_grad():
        module.masks.copy_(100 * noise(generator, HIDDEN))

    def edit(h, s, coordinates):
        if coordinates is None:
            return module(h, s)
        return within(coordinates, h, s, module.rotate_layer.weight, torch.sigmoid(module.masks / module.temperature))
    return Counterpart({"type": "SigmoidMaskRotatedSpace"}, edit,
                       {"rotation": lambda: module.rotate_layer.weight, "mask": lambda: module.masks,
                        "temperature": lambda: module.temperature})


def sigmoid(generator):
    module = pyvene.SigmoidMaskIntervention(embed_dim=HIDDEN)
    with torch.no_grad():
        module.mask.copy_(0.01 * noise(generator, HIDDEN))

    def edit(h, s, coordinates):
        if coordinates is None:
            return module(h, s)
        return within(coordinates, h, s, None, torch.sigmoid(module.mask / module.temperature))
    # pyvene copies the temperature within its forward, so that it has no gradient there.
    return Counterpart({"type": "SigmoidMask"}, edit,
                       {"mask": lambda: module.mask, "temperature": lambda: module.temperature})


def reference(name, *shape):
    return {"file": "tensors.safetensors", "name": f"constant.{name}", "shape": list(shape)}


def pca(generator):
    components = torch.linalg.qr(noise(generator, HIDDEN, HIDDEN))[0][:COMPONENTS].contiguous()
    mean, deviation = noise(generator, HIDDEN), 0.5 + torch.rand(HIDDEN, generator=generator)
    module = pyvene.PCARotatedSpaceIntervention(
        embed_dim=HIDDEN, pca=types.SimpleNamespace(components_=components.numpy()), pca_mean=mean.numpy(),
        pca_std=deviation.numpy())
    settings = {"type": "PCARotatedSpace", "components": reference("components", COMPONENTS, HIDDEN),
                "mean": reference("mean", HIDDEN), "deviation": reference("deviation", HIDDEN)}
    return Counterpart(settings, lambda h, s, c: module(h, s, subspaces=subspaces(c)),
                       constants={"components": components, "mean": mean, "deviation": deviation})


def autoencoder(is_trained, keeps_error):
    def make(generator):
        module = pyvene.AutoencoderIntervention(embed_dim=HIDDEN, latent_dim=LATENTS)
        layer = module.autoencoder
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.copy_(0.3 * noise(generator, *parameter.shape))

        def edit(h, s, coordinates):
            z, other = layer.encode(h), layer.encode(s)
            mixed = z + (other - z) * mask_of(coordinates, LATENTS)
            if keeps_error:
                return h + (mixed - z) @ layer.decoder[0].weight.T
            with torch.no_grad():
                module.set_interchange_dim(list(range(LATENTS)) if coordinates is None else coordinates)
                assert torch.allclose(module(h, s), layer.decode(mixed), atol=1e-5)
            return layer.decode(mixed)
        tensors = {"encoder": layer.encoder[0].weight, "encoder_bias": layer.encoder[0].bias,
                   "decoder": layer.decoder[0].weight, "decoder_bias": layer.decoder[0].bias}
        error = {"keepsError": True} if keeps_error else {}
        if is_trained:
            return Counterpart({"type": "Autoencoder", "latents": LATENTS, **error}, edit,
                               {name: lambda tensor=tensor: tensor for name, tensor in tensors.items()})
        weights = {"encoder": reference("encoder", LATENTS, HIDDEN), "encoderBias": reference("encoder_bias", LATENTS),
                   "decoder": reference("decoder", HIDDEN, LATENTS), "decoderBias": reference("decoder_bias", HIDDEN)}
        return Counterpart({"type": "Autoencoder", "weights": weights, **error}, edit, constants=tensors)
    return make


def jump_relu(action):
    def make(generator):
        module = pyvene.JumpReLUAutoencoderIntervention(embed_dim=HIDDEN, low_rank_dimension=LATENTS)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(0.3 * noise(generator, *parameter.shape))
            module.threshold.abs_()

        def edit(h, s, coordinates):
            if action is None:
                return module(h, s, subspaces=subspaces(coordinates))
            z = module.encode(h)
            wanted = torch.full_like(z, action["set"]) if "set" in action else z * action["scale"]
            return h + ((wanted - z) * mask_of(coordinates, LATENTS)) @ module.W_dec
        weights = {"encoder": reference("W_enc", HIDDEN, LATENTS), "encoderBias": reference("b_enc", LATENTS),
                   "decoder": reference("W_dec", LATENTS, HIDDEN), "decoderBias": reference("b_dec", HIDDEN),
                   "threshold": reference("threshold", LATENTS)}
        return Counterpart({"type": "JumpReLUAutoencoder", "weights": weights, **(action or {})}, edit,
                           constants=dict(module.named_parameters()))
    return make


def low_rank_reft(kind):
    """pyreft's parameters with its formula written out, since its classes ignore subspaces."""
    def make(generator):
        rotation = torch.linalg.qr(noise(generator, HIDDEN, RANK))[0].requires_grad_()
        weight = (0.3 * noise(generator, RANK, HIDDEN)).requires_grad_()
        bias = (0.3 * noise(generator, RANK)).requires_grad_()
        second = (0.3 * noise(generator, RANK, HIDDEN)).requires_grad_()

        def edit(h, _, coordinates):
            target = h @ weight.T + bias
            back = rotation.T if kind in ("LoReFT", "DiReFT", "ConsReFT", "LobiReFT") else second
            present = {"LoReFT": h @ rotation, "ConsReFT": h @ rotation, "NoReFT": h @ second.T}.get(kind, 0)
            if kind in ("ConsReFT", "LobiReFT"):
                target = bias.expand(*h.shape[:-1], RANK)
            return h + ((target - present) * mask_of(coordinates, RANK)) @ back
        names = {"LoReFT": "rwb", "DiReFT": "rwb", "ConsReFT": "rb", "LobiReFT": "rb", "NoReFT": "wbp", "NodiReFT": "wbp"}
        tensors = {"r": ("rotation", rotation), "w": ("weight", weight), "b": ("bias", bias), "p": ("projection", second)}
        chosen = [tensors[letter] for letter in names[kind]]
        return Counterpart({"type": kind, "rank": RANK}, edit,
                           {name: lambda tensor=tensor: tensor for name, tensor in chosen})
    return make


def cases():
    """(model, name, counterpart, positions, subspace)."""
    per_example = {"parts": PARTS, "choices": CHOICES}
    some = list(range(0, HIDDEN, 3))
    found = []
    for model in ["llama", "gpt2"]:
        for kind in ["Interchange", "AddSource", "SubtractSource", "Zero"]:
            found += [(model, f"{kind.lower()}-subspace", plain(kind), "f2+l2", some),
                      (model, f"{kind.lower()}-parts", plain(kind), "all", per_example)]
        found += [
            (model, "rotated", rotated, "l1", None), (model, "rotated-subspace", rotated, "f2+l2", some),
            (model, "rotated-parts", rotated, "all", per_example),
            (model, "low-rank", low_rank, "f2+l2", None), (model, "low-rank-subspace", low_rank, "l1", [0, 2]),
            (model, "low-rank-parts", low_rank, "all", per_example),
            (model, "boundless", boundless(50.0, 0.5), "f2+l2", None),
            (model, "boundless-cold", boundless(1.5, 0.7), "all", None),
            (model, "boundless-clamped", boundless(4.0, 1.3), "l1", None),
            (model, "boundless-parts", boundless(3.0, 0.4), "all", per_example),
            (model, "sigmoid-rotated", sigmoid_rotated, "all", None),
            (model, "sigmoid-rotated-subspace", sigmoid_rotated, "f2+l2", some),
            (model, "sigmoid", sigmoid, "f2+l2", None), (model, "sigmoid-parts", sigmoid, "all", per_example),
            (model, "pca", pca, "l1", None), (model, "pca-parts", pca, "all", per_example),
            (model, "autoencoder", autoencoder(False, False), "l1", None),
            (model, "autoencoder-trained", autoencoder(True, False), "f2+l2", [1, 4, 7]),
            (model, "autoencoder-error", autoencoder(True, True), "all", per_example),
            (model, "jump-relu", jump_relu(None), "l1", None), (model, "jump-relu-parts", jump_relu(None), "all", per_example),
            (model, "jump-relu-set", jump_relu({"set": 2.5}), "all", [3, 5]),
            (model, "jump-relu-scale", jump_relu({"scale": -0.5}), "f2+l2", None),
        ]
        for kind in ["LoReFT", "NoReFT", "ConsReFT", "LobiReFT", "DiReFT", "NodiReFT"]:
            found.append((model, f"{kind.lower()}-parts", low_rank_reft(kind), "all", per_example))
    return found


def edit_site(model, component, edit):
    """Hooks that put edit(value) in the place of the site's value in layer 0, and their handle."""
    module, place = next((module, place) for site, module, place in _site_modules(model) if site == f"{component}.0")
    if place == "input":
        return module.register_forward_pre_hook(lambda _, arguments: (edit(arguments[0]), *arguments[1:]))

    def hook(_, __, output):
        value = output[0] if isinstance(output, tuple) else output
        if isinstance(place, tuple):
            parts = list(value.split(value.shape[-1] // 3, dim=-1))
            parts[place[1]] = edit(parts[place[1]])
            edited = torch.cat(parts, dim=-1)
        else:
            edited = edit(value)
        return (edited,) + output[1:] if isinstance(output, tuple) else edited
    return module.register_forward_hook(hook)


def columns_of(model, heads):
    """The column ranges of heads; all columns where there are none."""
    size = model.config.hidden_size // model.config.num_attention_heads
    return [slice(None)] if heads is None else [slice(head * size, head * size + size) for head in heads]


def run(model, counterpart, base, source, positions, coordinates, component="block_output", heads=None):
    """(logits, block output) of one sequence."""
    with Recording(model) as sites:
        model(torch.tensor([source]), use_cache=False)
    rows = sites.values[f"{component}.0"][:, positions].detach()
    with_input = counterpart.settings["type"] == "Skip"

    def edit(value):
        others = sites.values["block_input.0"][:, positions] if with_input else rows
        edited = value.clone()
        for columns in columns_of(model, heads):
            edited[:, positions, columns] = counterpart.edit(
                value[:, positions, columns].clone(), others[..., columns].clone(), coordinates)
        return edited
    with_edit = edit_site(model, component, edit)
    try:
        with Recording(model) as sites:
            output = model(torch.tensor([base]), use_cache=False)
    finally:
        with_edit.remove()
    return output.logits[0], sites.values["block_output.0"][0]


def declared(counterpart, component, heads, positions):
    """The one declaration of a case."""
    site = {"component": component, "layers": [0]}
    if heads is not None:
        site = {"component": f"head_{component}", "layers": [0], "heads": heads}
    return {"name": "edit", "intervention": counterpart.settings, "site": site, "positions": positions, "tied": True}


def write_case(model_name, name, make, positions, subspace, seed, component="block_output", heads=None,
               is_short=False, check=None):
    """Writes one case; short ones hold only the last row's logits of each sequence.

    `check(model, counterpart, index, base, source, rows)` may give logits to compare with.
    """
    counterpart = make(torch.Generator().manual_seed(seed))
    base, source = sequences(lengths=LENGTHS), sequences(lengths=LENGTHS, seed=200)
    labels = causal_labels(base, PROMPT_LENGTHS)
    model = tiny_model(model_name)
    kind = counterpart.settings["type"]
    reads = kind not in SOURCELESS and not kind.endswith("ReFT") and not {"set", "scale"} & set(counterpart.settings)
    declaration = declared(counterpart, component, heads, positions)
    given = {"sequences": base, "labels": labels, "prompt_lengths": PROMPT_LENGTHS}
    chosen = [subspace] * len(base)
    if isinstance(subspace, dict):
        declaration["subspace"] = subspace["parts"]
        given["subspaces"] = {"edit": subspace["choices"]}
        chosen = [sorted(sum((subspace["parts"][part] for part in parts), [])) for parts in subspace["choices"]]
    elif subspace is not None:
        declaration["subspace"] = subspace
    runs = [{"name": "base", "declarations": [declaration]}]
    if reads:
        declaration["source"] = {"run": "source"}
        runs.insert(0, {"name": "source"})
        given["sources"] = {"source": {"sequences": source, "prompt_lengths": PROMPT_LENGTHS}}

    losses, count, logits, blocks = 0, 0, [], []
    with parametrize.cached():
        for index, row in enumerate(base):
            rows = rows_of(positions, len(row), PROMPT_LENGTHS[index])
            found, block = run(model, counterpart, row, source[index], rows, chosen[index], component, heads)
            if check is not None:
                peer = check(model, counterpart, row, source[index], rows)
                difference = (peer - found).abs().max() / peer.abs().max()
                assert difference < 2e-6, f"{model_name}-{name}: pyvene differs by {difference}"
            loss, labelled = causal_loss_sum(found, labels[index])
            losses, count = losses + loss, count + labelled
            logits.append(found)
            blocks.append(block)
        loss = losses / count
        trained = {name: read() for name, read in counterpart.trained.items()}
        slopes = torch.autograd.grad(loss, list(trained.values()), allow_unused=True) if trained else []
    tensors = {"expected.block_output.0": torch.cat(blocks), "expected.loss": loss.reshape(1)}
    if is_short:
        tensors["expected.last_logits"] = torch.stack([rows[-1] for rows in logits])
    else:
        tensors["expected.logits"] = torch.cat(logits)
    if counterpart.collected:
        tensors["expected.collected"] = torch.cat(counterpart.collected)
    prefix = "edit.0" if heads is None else f"edit.0.h{heads[0]}"
    for (parameter, value), slope in zip(trained.items(), slopes):
        tensors[f"state.{prefix}.{parameter}"] = value.reshape(1, -1) if value.dim() < 2 else value
        if slope is not None:
            tensors[f"gradient.{prefix}.{parameter}"] = slope.reshape(1, -1) if slope.dim() < 2 else slope
    tensors |= {f"constant.{constant}": value for constant, value in counterpart.constants.items()}
    folder = FIXTURES / "counterparts" / f"{model_name}-{name}"
    write_tensors(folder / "tensors.safetensors", tensors)
    program = {"format": "swift-reft/program", "version": 1, "runs": runs}
    write_json(folder / "case.json", {"model": model_name, "program": program, "input": given})


def main():
    for seed, case in enumerate(cases(), start=3000):
        write_case(*case, seed)


if __name__ == "__main__":
    main()
