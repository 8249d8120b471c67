"""Programs as data, run with pyreft's own intervention classes.

A declaration is the JSON form of this package:
    {"name", "intervention": {"type", "rank", "activation"?, "addBias"?}, "site": {"component", "layers"},
     "positions", "tied", "scale"?}
Each declaration has one module per layer, or a `first` and a `last` one per layer when a united position set is untied.
A parameter is called NAME.LAYER.PART.PARAMETER with PART one of shared, first, last.
"""

import re

import torch
from pyreft import (
    ConsreftIntervention,
    DireftIntervention,
    LobireftIntervention,
    LoreftIntervention,
    NodireftIntervention,
    NoreftIntervention,
)

from recorded_sites import Recording, causal_loss_sum, site_module

CLASSES = {
    "LoReFT": LoreftIntervention,
    "NoReFT": NoreftIntervention,
    "ConsReFT": ConsreftIntervention,
    "LobiReFT": LobireftIntervention,
    "DiReFT": DireftIntervention,
    "NodiReFT": NodireftIntervention,
}


def program(*declarations):
    """The program file of declarations in the base run."""
    return {"format": "swift-reft/program", "version": 1,
            "runs": [{"name": "base", "declarations": list(declarations)}]}


def declaration(kind, rank, layers, positions, tied=False, name=None, scale=None, component="block_output", **settings):
    """One declaration of a ReFT type."""
    value = {"name": name or kind.lower(), "intervention": {"type": kind, "rank": rank, **settings},
             "site": {"component": component, "layers": layers}, "positions": positions, "tied": tied}
    if scale is not None:
        value["scale"] = scale
    return value


def split_positions(text, length, prompt):
    """(first, last) row lists of one sequence for `all`, `fN`, `lN` and `fN+lN`; the ends must not overlap."""
    if text == "all":
        return list(range(length)), []
    first, last = [], []
    for term in text.split("+"):
        side, count = re.fullmatch(r"([fl])(\d+)", term).groups()
        if side == "f":
            first = list(range(int(count)))
        else:
            last = list(range(prompt - int(count), prompt))
    assert not set(first) & set(last) and all(0 <= row < prompt for row in first + last)
    return first, last


def _randomised(kind, width, settings, generator):
    """pyreft's module with every trained number random and the orthogonal map away from its starting point."""
    def noise(*shape):
        return torch.randn(*shape, generator=generator)
    module = CLASSES[kind](embed_dim=width, low_rank_dimension=settings["rank"], dtype=torch.float32,
                           add_bias=settings.get("addBias", False), act_fn=settings.get("activation"))
    with torch.no_grad():
        if hasattr(module, "rotate_layer"):
            full, _ = torch.linalg.qr(noise(width, width))
            parametrization = module.rotate_layer.parametrizations.weight
            parametrization[0].base.copy_(full)
            raw = 0.3 * noise(width, settings["rank"]).tril(-1)
            raw.diagonal().fill_(-1.0)
            parametrization.original.copy_(raw)
        if isinstance(module.learned_source, torch.nn.Parameter):
            module.learned_source.copy_(0.5 * noise(settings["rank"]))
        else:
            module.learned_source.weight.copy_(0.3 * noise(settings["rank"], width))
            module.learned_source.bias.copy_(0.3 * noise(settings["rank"]))
        if hasattr(module, "proj_layer"):
            module.proj_layer.weight.copy_(0.3 * noise(settings["rank"], width))
            if module.proj_layer.bias is not None:
                module.proj_layer.bias.copy_(0.3 * noise(settings["rank"]))
    return module.train()


class Zero(torch.nn.Module):
    """0 in place of the rows."""

    def forward(self, rows):
        return torch.zeros_like(rows)


class Add(torch.nn.Module):
    """h + vector; the vector is drawn, not trained."""

    def __init__(self, width, generator):
        super().__init__()
        self.vector = torch.randn(width, generator=generator)

    def forward(self, rows):
        return rows + self.vector


class Collect(torch.nn.Module):
    """The rows as they are, kept in the order in which sequences run."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def forward(self, rows):
        self.rows.append(rows[0])
        return rows


def _module(item, width, generator):
    kind = item["intervention"]["type"]
    if kind in CLASSES:
        return _randomised(kind, width, item["intervention"], generator)
    return {"Zero": Zero, "Collect": Collect, "Add": lambda: Add(width, generator)}[kind]()


class BoundProgram:
    """The modules of a program on a model, and the rows that each of them edits in each sequence."""

    def __init__(self, model, declarations, rows, prompt_lengths, seed):
        self.model, self.declarations, self.rows = model, declarations, rows
        generator = torch.Generator().manual_seed(seed)
        self.modules, self.positions, self.sites, self.scales = {}, {}, {}, {}
        for item in declarations:
            ends = [split_positions(item["positions"], len(row), prompt) for row, prompt in zip(rows, prompt_lengths)]
            for layer in item["site"]["layers"]:
                united = all(first and last for first, last in ends)
                split = united and not item.get("tied", True)
                parts = {"first": 0, "last": 1} if split else {"shared": None}
                for part, end in parts.items():
                    key = f"{item['name']}.{layer}.{part}"
                    self.modules[key] = _module(item, model.config.hidden_size, generator)
                    self.positions[key] = [first + last if end is None else (first, last)[end] for first, last in ends]
                    self.sites[key] = (item["site"]["component"], layer)
                    self.scales[key] = item.get("scale", 1.0)

    def constrained(self):
        """{parameter name: tensor}, R in place of its raw form; inside `parametrize.cached()` it is the graph's R."""
        values = {}
        for key, module in self.modules.items():
            if hasattr(module, "rotate_layer"):
                values[f"{key}.R"] = module.rotate_layer.weight
            source = getattr(module, "learned_source", None)
            if source is None:
                continue
            if isinstance(source, torch.nn.Parameter):
                values[f"{key}.b"] = source
            else:
                values[f"{key}.W"], values[f"{key}.b"] = source.weight, source.bias
            if hasattr(module, "proj_layer"):
                values[f"{key}.P"] = module.proj_layer.weight
                if module.proj_layer.bias is not None:
                    values[f"{key}.Pb"] = module.proj_layer.bias
        return values

    def raw_rotations(self):
        """{name.original: the unconstrained matrix that torch's optimiser moves}."""
        return {f"{key}.original": module.rotate_layer.parametrizations.weight.original
                for key, module in self.modules.items() if hasattr(module, "rotate_layer")}

    def bases(self):
        """{name.base: the fixed orthogonal matrix that R is relative to}."""
        return {f"{key}.base": module.rotate_layer.parametrizations.weight[0].base
                for key, module in self.modules.items() if hasattr(module, "rotate_layer")}

    def parameters(self):
        """What an optimiser gets, in a fixed order."""
        return [parameter for module in self.modules.values() for parameter in module.parameters()]

    def state(self):
        """Everything needed to start from the same point: constrained and raw values."""
        return self.constrained() | self.raw_rotations() | self.bases()

    def forward(self, index, **extra):
        """(model output, recorded sites) of one sequence, edits made by hooks in declared order."""
        handles = []
        for key, module in self.modules.items():
            hook = self._edit(module, self.positions[key][index], self.scales[key])
            handles.append(site_module(self.model, *self.sites[key]).register_forward_hook(hook))
        try:
            with Recording(self.model) as sites:
                output = self.model(torch.tensor([self.rows[index]]), **extra)
        finally:
            for handle in handles:
                handle.remove()
        return output, sites.values

    @staticmethod
    def _edit(module, positions, scale):
        def hook(_, __, output):
            value = output[0] if isinstance(output, tuple) else output
            chosen = value[:, positions]
            edited = value.clone()
            edited[:, positions] = chosen + scale * (module(chosen) - chosen) if scale != 1.0 else module(chosen)
            return (edited,) + output[1:] if isinstance(output, tuple) else edited
        return hook

    def run(self, labels):
        """(loss, logits per sequence, sites per sequence); the loss is the mean over labelled tokens or sequences."""
        losses, count, logits, sites = 0, 0, [], []
        for index, label in enumerate(labels):
            output, values = self.forward(index, **({"use_cache": False} if isinstance(label, list) else {}))
            if isinstance(label, list):
                loss, labelled = causal_loss_sum(output.logits[0], label)
            else:
                loss, labelled = torch.nn.functional.cross_entropy(output.logits, torch.tensor([label])), 1
            losses, count = losses + loss, count + labelled
            logits.append(output.logits[0] if isinstance(label, list) else output.logits)
            sites.append(values)
        return losses / count, logits, sites


def pyreft_logits(bound, index):
    """The same sequence through pyreft's ReftModel and pyvene's forward; None where pyvene can not express the program
    (a scaled edit) or wants sources for it (a constant addition).

    One intervention per module, every position list written out per intervention and example: the shorthand forms of
    unit_locations address other positions than they seem to.
    """
    from pyreft import ReftConfig, get_reft_model

    if any(scale != 1.0 for scale in bound.scales.values()) or not bound.parameters():
        return None
    family = bound.model.config.model_type
    representations = []
    for key, module in bound.modules.items():
        component, layer = bound.sites[key]
        if family in ("bert", "roberta"):
            component = f"{family}.encoder.layer[{layer}].output"
        representations.append({"layer": layer, "component": component,
                                "low_rank_dimension": 1, "intervention": module})
    reft = get_reft_model(bound.model, ReftConfig(representations=representations), set_device=False)
    _, output = reft({"input_ids": torch.tensor([bound.rows[index]])},
                     unit_locations={"sources->base": (None, [[rows[index]] for rows in bound.positions.values()])},
                     **({"use_cache": False} if family not in ("bert", "roberta") else {}))
    return output.logits[0] if family not in ("bert", "roberta") else output.logits


def gradients(bound, loss):
    """{name: d loss / d value} for constrained values (R itself) and raw ones; call inside `parametrize.cached()`."""
    wanted = bound.constrained() | bound.raw_rotations()
    if not wanted:
        return {}
    slopes = torch.autograd.grad(loss, list(wanted.values()), retain_graph=True)
    return dict(zip(wanted, slopes))

