"""Writes Tests/Fixtures/runs: programs with source runs on the tiny models, with outputs and gradients.

The expected values come from a plain forward pass of each run with torch hooks. Where pyvene 0.1.8 can say the same
program (parallel and serial mode, groups in parallel mode, heads of GPT-2, constant sources, given source
representations), its outputs are compared here too; it raises for serial mode with groups, has no nested runs, and its
sources lie at the site that is edited.
"""

import pyvene
import torch
from torch.nn.utils import parametrize

from fixture_files import FIXTURES, write_json, write_tensors
from recorded_sites import Recording, _site_modules, causal_loss_sum
from reft_modules import _randomised
from tiny_models import causal_labels, sequences, tiny_model

PROMPT_LENGTHS = [5, 4, 8]
HEADS = 4


def declaration(kind, layer, positions, component="block_output", source=None, name=None, head=None, **settings):
    """One declaration at one layer."""
    site = {"component": component, "layers": [layer]}
    if head is not None:
        site["heads"] = [head]
    value = {"name": name} if name else {}
    value |= {"intervention": {"type": kind, **settings}, "site": site, "positions": positions}
    if source is not None:
        value["source"] = {"run": source} if isinstance(source, str) else source
    return value


def rows_of(text, length):
    """The rows of `all` or of a list such as `1,3`; negative numbers count from the end of the prompt."""
    if text == "all":
        return list(range(length))
    return [int(number) + (length if int(number) < 0 else 0) for number in text.split(",")]


class Programs:
    """The runs of one program on one model, each a plain forward pass with hooks."""

    def __init__(self, model, runs, seed):
        self.model, self.runs, self.modules = model, runs, {}
        self.places = {site: (module, place) for site, module, place in _site_modules(model)}
        generator = torch.Generator().manual_seed(seed)
        for item in [item for run in runs for item in run.get("declarations", [])]:
            if item["intervention"]["type"] == "LoReFT":
                layer = item["site"]["layers"][0]
                self.modules[f"{item['name']}.{layer}.shared"] = _randomised(
                    "LoReFT", model.config.hidden_size, item["intervention"], generator)

    def state(self):
        """{parameter name: constrained value}."""
        values = {}
        for key, module in self.modules.items():
            values |= {f"{key}.R": module.rotate_layer.weight, f"{key}.W": module.learned_source.weight,
                       f"{key}.b": module.learned_source.bias}
        return values

    def forward(self, tokens, prompts):
        """(logits of the base run, its sites), of one example; `tokens` and `prompts` by the name of the run.

        Where runs read each other, all are computed again until what they read is what is computed: reads that are no
        circle settle after as many times as there are reads.
        """
        recorded = {}
        for run in self.runs * (5 if self._reads_later_runs() else 1):
            handles = [self._hook(item, recorded, prompts, run["name"]) for item in run.get("declarations", [])]
            try:
                with Recording(self.model) as sites:
                    output = self.model(torch.tensor([tokens[run["name"]]]), use_cache=False)
            finally:
                for handle in handles:
                    handle.remove()
            recorded[run["name"]] = dict(sites.values)
        return output.logits[0], recorded[self.runs[-1]["name"]]

    def _reads_later_runs(self):
        names = [run["name"] for run in self.runs]
        return any(
            "run" in item.get("source", {}) and names.index(item["source"]["run"]) > place
            for place, run in enumerate(self.runs) for item in run.get("declarations", []))

    def _columns(self, site):
        if "heads" not in site:
            return slice(None)
        size = self.model.config.hidden_size // HEADS
        return slice(site["heads"][0] * size, (site["heads"][0] + 1) * size)

    def _source(self, item, recorded, prompts):
        reference = item["source"]
        if "constant" in reference:
            return torch.tensor(reference["constant"])
        site = reference.get("site", item["site"])
        rows = rows_of(reference.get("positions", item["positions"]), prompts[reference["run"]])
        if reference["run"] not in recorded:
            return torch.zeros(1, len(rows), self.model.config.hidden_size)[..., self._columns(site)]
        value = recorded[reference["run"]][f"{site['component']}.{site['layers'][0]}"]
        return value[:, rows][..., self._columns(site)]

    def _hook(self, item, recorded, prompts, run):
        site = item["site"]
        module, place = self.places[f"{site['component']}.{site['layers'][0]}"]
        rows, columns = rows_of(item["positions"], prompts[run]), self._columns(site)
        kind = item["intervention"]["type"]

        def edited(value):
            chosen = value[:, rows][..., columns]
            if kind == "LoReFT":
                part = self.modules[f"{item['name']}.{site['layers'][0]}.shared"](chosen)
            else:
                source = self._source(item, recorded, prompts)
                part = {"Interchange": source + 0 * chosen, "AddSource": chosen + source,
                        "SubtractSource": chosen - source}[kind]
            rows_edited = value[:, rows].clone()
            rows_edited[..., columns] = part
            result = value.clone()
            result[:, rows] = rows_edited
            return result

        if place == "input":
            return module.register_forward_pre_hook(lambda _, arguments: (edited(arguments[0]),) + arguments[1:])
        return module.register_forward_hook(
            lambda _, __, output: (edited(output[0]),) + output[1:] if isinstance(output, tuple) else edited(output))


def cases():
    """{name: (runs, pyvene's configuration or None)}; pyvene's is (mode, representations, class, locations)."""
    def run(name, *declarations):
        return {"name": name, "declarations": list(declarations)} if declarations else {"name": name}

    def at(layer, component="block_output", unit="pos", **more):
        return {"layer": layer, "component": component, "unit": unit, **more}

    vanilla = pyvene.VanillaIntervention
    constant = [round(0.1 * number - 1.5, 1) for number in range(32)]
    deep = {"component": "mlp_output", "layers": [1]}
    return {
        "parallel": ([run("a"), run("b"), run(
            "base", declaration("Interchange", 0, "2", source="a"),
            declaration("Interchange", 1, "1,3", component="mlp_output", source="b"))],
            ("parallel", [at(0), at(1, "mlp_output", max_number_of_units=2)], vanilla, ["a", "b"],
             {"sources->base": ([[[2]], [[1, 3]]], [[[2]], [[1, 3]]])})),
        "serial": ([run("a"), run("b", declaration("Interchange", 0, "1", source="a")), run(
            "base", declaration("Interchange", 1, "3", source="b"))],
            ("serial", [at(0), at(1)], vanilla, ["a", "b"],
             {"source_0->source_1": ([[[1]]], [[[1]]]), "source_1->base": ([[[3]]], [[[3]]])})),
        "groups": ([run("a"), run("b"), run(
            "base", declaration("Interchange", 0, "0", source="a"),
            declaration("Interchange", 1, "2", component="attention_output", source="a"),
            declaration("Interchange", 1, "3", source="b"))],
            ("parallel", [at(0, group_key=0), at(1, "attention_output", group_key=0), at(1, group_key=1)],
             vanilla, ["a", "b"], {"sources->base": ([[[0]], [[2]], [[3]]], [[[0]], [[2]], [[3]]])})),
        # pyvene raises here.
        "serial-groups": ([run("a"), run(
            "b", declaration("Interchange", 0, "0,1", source="a"),
            declaration("AddSource", 0, "2", component="mlp_output", source="a")), run(
            "base", declaration("Interchange", 1, "3", source="b"),
            declaration("SubtractSource", 1, "1", component="attention_output", source="b"))], None),
        "nested": ([run("a"), run("b"), run(
            "c", declaration("Interchange", 0, "1", source="a"), declaration("AddSource", 0, "2", source="b")), run(
            "base", declaration("Interchange", 0, "1,2", source="c"), declaration("AddSource", 1, "3", source="a"))],
            None),
        "cross-layer": ([run("a"), run(
            "base", declaration("Interchange", 0, "2", source={"run": "a", "site": deep}),
            declaration("Interchange", 1, "3", component="attention_output", source={
                "run": "a", "site": {"component": "block_output", "layers": [0]}}))], None),
        "cross-position": ([run("a"), run(
            "base", declaration("Interchange", 0, "3,0", source={"run": "a", "positions": "1,2"}),
            declaration("AddSource", 1, "all", source={"run": "a", "positions": "-1"}))], None),
        "other-position": ([run("a"), run(
            "base", declaration("Interchange", 0, "3", source={"run": "a", "positions": "1"}))],
            ("parallel", [at(0)], vanilla, ["a"], {"sources->base": ([[[1]]], [[[3]]])})),
        "heads": ([run("a"), run(
            "base", declaration("Interchange", 0, "1,2", component="attention_value_output", head=2, source="a"),
            declaration("AddSource", 1, "3", component="attention_value_output", head=1, source={
                "run": "a", "site": {"component": "attention_value_output", "layers": [0], "heads": [3]},
                "positions": "0"}))], None),
        "head": ([run("a"), run(
            "base", declaration("Interchange", 0, "1", component="attention_value_output", head=2, source="a"))],
            ("parallel", [at(0, "head_attention_value_output", "h.pos")], vanilla, ["a"],
             {"sources->base": ([[[[2]], [[1]]]], [[[[2]], [[1]]]])})),
        "constant": ([run("base", declaration("AddSource", 0, "1,2", source={"constant": constant}),
                          declaration("Interchange", 1, "3", source={"constant": constant}))], None),
        "constant-addition": ([run("base", declaration("AddSource", 1, "1", source={"constant": constant}))],
            ("parallel", [at(1, source_representation=torch.tensor(constant))], pyvene.AdditionIntervention, [],
             {"base": 1})),
        "mapped": ([run("a"), run("base", declaration("Interchange", 0, "1,2", source="a"))], None),
        "trained": ([run("a", declaration("LoReFT", 0, "all", name="inner", rank=3)), run(
            "b", declaration("Interchange", 0, "0,1", source="a"),
            declaration("LoReFT", 0, "2", component="mlp_output", name="middle", rank=2)), run(
            "base", declaration("Interchange", 0, "1,2", source="b"),
            declaration("AddSource", 0, "3", component="mlp_output", source="a"),
            declaration("LoReFT", 1, "3", name="outer", rank=3))], None),
        "trained-serial-groups": ([run("a", declaration("LoReFT", 0, "1,2", name="inner", rank=2)), run(
            "b", declaration("Interchange", 0, "1", source="a"),
            declaration("AddSource", 0, "2", component="attention_output", source="a")), run(
            "base", declaration("Interchange", 0, "2", component="attention_output", source="b"),
            declaration("SubtractSource", 0, "1", source="b"))], None),
        # Runs that read each other; pyvene can not say it.
        "trained-mutual": ([run(
            "a", declaration("Interchange", 0, "1,2", source={
                "run": "base", "site": {"component": "attention_output", "layers": [0]}}),
            declaration("LoReFT", 1, "0,2", component="mlp_output", name="inner", rank=2)), run(
            "base", declaration("Interchange", 1, "2,3", source={"run": "a", "positions": "1,2"}),
            declaration("LoReFT", 0, "1,2", component="attention_output", name="outer", rank=3))], None),
        "trained-mutual-sources": ([run(
            "a", declaration("AddSource", 1, "0,1", component="attention_output", source={
                "run": "b", "site": {"component": "block_output", "layers": [0]}})), run(
            "b", declaration("AddSource", 1, "1", source={"run": "a"}),
            declaration("LoReFT", 0, "0,1", component="mlp_output", name="middle", rank=2),
            declaration("AddSource", 0, "0", source={
                "run": "a", "site": {"component": "mlp_output", "layers": [0]}, "positions": "2"})), run(
            "base", declaration("Interchange", 1, "3", source={"run": "b", "positions": "1"}),
            declaration("LoReFT", 0, "all", name="outer", rank=3))], None),
    }


def pyvene_logits(model, configuration, tokens):
    """The base run's logits through pyvene."""
    mode, representations, kind, names, locations = configuration
    config = pyvene.IntervenableConfig(
        [pyvene.RepresentationConfig(**one) for one in representations], intervention_types=kind, mode=mode)
    intervenable = pyvene.IntervenableModel(config, model)
    sources = [{"input_ids": torch.tensor([tokens[name]])} for name in names]
    with torch.no_grad():
        _, output = intervenable({"input_ids": torch.tensor([tokens["base"]])}, sources or None,
                                 unit_locations=locations)
    return output.logits[0]


def source_sequences(name, runs):
    """The input of each source run; `mapped` has two sequences for the three examples."""
    sources = {}
    for place, run in enumerate(runs[:-1]):
        sources[run["name"]] = {"sequences": sequences(seed=200 + place)}
    if name == "mapped":
        sources["a"] = {"sequences": sequences(seed=200)[:2], "example_map": [1, 0, 1]}
    return sources


def write_case(model_name, name, runs, configuration, seed):
    model = tiny_model(model_name)
    rows = sequences()
    labels = causal_labels(rows, PROMPT_LENGTHS)
    sources = source_sequences(name, runs)
    program = Programs(model, runs, seed)
    losses, count, logits, blocks = 0, 0, [], []
    with parametrize.cached():
        for index, row in enumerate(rows):
            tokens, prompts = {"base": row}, {"base": PROMPT_LENGTHS[index]}
            for run, given in sources.items():
                tokens[run] = given["sequences"][given.get("example_map", [0, 1, 2])[index]]
                prompts[run] = len(tokens[run])
            if name == "cross-position":
                prompts["base"] = PROMPT_LENGTHS[index]
            found, sites = program.forward(tokens, prompts | _whole(runs, row))
            if configuration and not (model_name != "gpt2" and name == "head"):
                peer = pyvene_logits(model, configuration, tokens)
                difference = (peer - found).abs().max() / peer.abs().max()
                assert difference < 2e-6, f"{model_name}-{name}: pyvene differs by {difference}"
                print(f"{model_name}-{name} {index}: pyvene differs by {difference:.1e}")
            loss, labelled = causal_loss_sum(found, labels[index])
            losses, count = losses + loss, count + labelled
            logits.append(found)
            blocks.append(sites["block_output.1"][0])
        loss = losses / count
        state = program.state()
        slopes = torch.autograd.grad(loss, list(state.values())) if state else []
    tensors = {"expected.loss": loss.reshape(1), "expected.logits": torch.cat(logits),
               "expected.block_output.1": torch.cat(blocks)}
    tensors |= {f"state.{key}": value for key, value in state.items()}
    tensors |= {f"gradient.{key}": value for key, value in zip(state, slopes)}
    folder = FIXTURES / "runs" / f"{model_name}-{name}"
    write_tensors(folder / "tensors.safetensors", tensors)
    given = {"sequences": rows, "labels": labels, "prompt_lengths": PROMPT_LENGTHS, "sources": sources}
    if not sources:
        del given["sources"]
    write_json(folder / "case.json", {"model": model_name, "input": given, "program": {
        "format": "swift-reft/program", "version": 1, "runs": runs}})


def _whole(runs, row):
    """`all` means every row of the base run, answer included."""
    uses_all = any(item["positions"] == "all" for item in runs[-1].get("declarations", []))
    return {"base": len(row)} if uses_all else {}


def main():
    for model_name in ["llama", "gpt2"]:
        for place, (name, (runs, configuration)) in enumerate(cases().items()):
            write_case(model_name, name, runs, configuration, 3000 + place)


if __name__ == "__main__":
    main()
