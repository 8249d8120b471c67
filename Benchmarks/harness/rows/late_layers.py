"""LoReFT training on the last third of the layers, both ends of the prompt, equal lengths, second epoch on."""

from .. import arithmetic
from ..row import Race, Work
from . import training

NAME = "late-layers"


def make(setting):
    first, count = first_layer(setting.sizes), training.sequences(setting)
    layers = range(first, setting.sizes.layers)
    task = setting.task(**training.data(setting), **setting.loreft(layers, training.RANK, "f7+l7"))
    return Race(
        contestants=training.sides(task),
        lines=training.lines(
            NAME, "LoReFT training, last third of the layers, f7+l7, second epoch on", (3, None),
            work(setting.sizes, first, count)),
        unit=("tokens", count * training.LENGTH), always_warms_up=True)


def first_layer(sizes):
    return sizes.layers - sizes.layers // 3


def work(sizes, first, count):
    """What the first edit leaves as it was, up to its layer, comes from the store; above it everything is reached."""
    lengths, labelled = [training.LENGTH] * count, count * training.LABELLED
    blocks = sizes.layers - 1 - first
    return Work(arithmetic.forward(sizes, lengths, labelled, blocks)
                + arithmetic.backward(sizes, lengths, labelled, blocks)
                + arithmetic.interventions(sizes, sizes.layers - first, training.RANK, count * 14))
