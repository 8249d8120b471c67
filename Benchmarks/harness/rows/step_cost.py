"""The cost of a training step against layers, rank, positions and rows, beside the counted arithmetic, as a plot."""

from dataclasses import dataclass, replace

from .. import arithmetic, drawing
from ..row import Contestant, Goal, Line, Race

NAME = "step-cost"
IS_SLOW = True
LENGTH, LABELLED = 128, 32
PLOT = "step-cost.svg"


@dataclass(frozen=True)
class Point:
    """A training step: LoReFT in the last so many layers, at so many positions of each sequence."""

    layers: int = 30
    rank: int = 4
    positions: int = 14
    rows: int = 512

    @property
    def name(self):
        return f"{self.layers} layers, rank {self.rank}, {self.positions} positions, {self.rows} rows"


SWEEPS = {
    "layers": [1, 6, 12, 18, 24, 30], "rank": [1, 8, 16, 32, 64], "positions": [2, 14, 32, 64, 96],
    "rows": [128, 256, 512, 768, 1024]}


def make(setting):
    usual = Point(layers=setting.sizes.layers)
    sweeps = {quantity: [replace(usual, **{quantity: value}) for value in values] for quantity, values in SWEEPS.items()}
    points = list(dict.fromkeys(point for sweep in sweeps.values() for point in sweep))
    return Race(
        contestants=[Contestant.ours("training", task(setting, point), point.name, NAME) for point in points],
        lines=[], unit=("steps", 1), samples=(3, 1), derive=lambda samples: derive(setting, sweeps, usual, samples))


def task(setting, point):
    sequences = setting.texts.sequences(point.rows // LENGTH, LENGTH)
    prompt = LENGTH - LABELLED
    half = point.positions // 2
    layers = range(setting.sizes.layers - point.layers, setting.sizes.layers)
    return setting.task(
        sequences=sequences, labels=[[-100] * prompt + tokens[prompt:] for tokens in sequences],
        prompt_lengths=[prompt] * len(sequences), batch_size=len(sequences), learning_rate=1e-3,
        **setting.loreft(layers, point.rank, f"f{half}+l{half}"))


def counted(sizes, point):
    """What is left after the first epoch: the blocks above the lowest edit, forward and backward."""
    sequences = point.rows // LENGTH
    lengths, labelled = [LENGTH] * sequences, sequences * LABELLED
    return (arithmetic.forward(sizes, lengths, labelled, point.layers - 1)
            + arithmetic.backward(sizes, lengths, labelled, point.layers - 1)
            + arithmetic.interventions(sizes, point.layers, point.rank, sequences * point.positions))


def derive(setting, sweeps, usual, samples):
    """The arithmetic in seconds, fitted at the usual point; a line for the point of each sweep that is furthest above it."""
    median = {name: sorted(values)[len(values) // 2] for name, values in samples.items()}
    rate = counted(setting.sizes, usual) / median[usual.name]
    predicted = {point: counted(setting.sizes, point) / rate for sweep in sweeps.values() for point in sweep}
    lines, further, panels = [], {}, []
    for quantity, points in sweeps.items():
        worst = max(points, key=lambda point: median[point.name] / predicted[point])
        name = f"counted for {worst.name}"
        further[name] = [predicted[worst]] * len(samples[worst.name])
        lines.append(Line(
            f"step-cost-{quantity}", f"A training step against {quantity}: the point furthest above the counted arithmetic, "
            f"{worst.name}", [name], Goal("slowdown", 0.25), ours=worst.name))
        panels.append(drawing.Panel(
            quantity, [getattr(point, quantity) for point in points], [median[point.name] for point in points],
            [predicted[point] for point in points]))
    (setting.folder / PLOT).write_text(drawing.figure(panels, "A step of LoReFT training"), encoding="utf-8")
    return further, lines
