"""A causal-tracing grid: block outputs of a clean run restored one at a time in a corrupted run."""

from dataclasses import replace

from .. import agreement, arithmetic
from ..row import Contestant, Goal, Line, Race, Work

NAME = "tracing"
POSITIONS = 16
CORRUPTED = range(2, 6)
CHECKED = [[0, 3], [5, 1], [11, 8], [20, 15], [29, 15]]


def make(setting):
    clean = setting.texts.running(POSITIONS)
    other = setting.texts.running(3 * POSITIONS)[2 * POSITIONS:]
    corrupted = [other[place] if place in CORRUPTED else token for place, token in enumerate(clean)]
    layers = list(range(setting.sizes.layers))
    timed = [[layer, (5 * layer) % POSITIONS] for layer in layers[::4]]
    bf16 = "ours, bf16"
    task = setting.task(clean=clean, corrupted=corrupted, layers=layers, checked_cells=CHECKED, timed_cells=timed)
    cells = len(layers) * POSITIONS
    return Race(
        contestants=[Contestant.ours("tracing", task), Contestant.ours("tracing", task | {"precision": "bf16"}, bf16),
                     Contestant("pyvene", "pyvene_tracing", task, share=len(timed) / cells)],
        lines=[Line(
            "tracing", "Causal tracing, 30 layers × 16 positions, last token's logits, f32", ["pyvene"],
            Goal("speed", 40), agreement.numbers(["cell.*"], 2e-4), work=work(setting.sizes),
            note=f"pyvene is timed on {len(timed)} cells a round, spread over the grid"),
               Line(
            "tracing-bf16", "Causal tracing, 30 layers × 16 positions, last token's logits, bf16 products", ["pyvene"],
            Goal("speed"), agreement.numbers(["cell.*"], 5e-2), ours=bf16,
            work=replace(work(setting.sizes), limit="bf16"))],
        unit=("cells", cells), samples=(5, 1))


def work(sizes):
    """A cell computes the blocks above its layer on the rows from its position on, the last one after its attention on the
    last row; before the first corrupted position there is nothing to restore. Both runs are computed once."""
    blocks = sum(range(sizes.layers))
    restored = range(CORRUPTED.start, POSITIONS)
    rows = sum(POSITIONS - position for position in restored)
    pairs = sum(arithmetic.pairs([POSITIONS]) - arithmetic.pairs([position]) for position in restored)
    cells = blocks * (2 * sizes.block * rows + 4 * sizes.attention * pairs)
    cells -= (sizes.layers - 1) * arithmetic.not_read(sizes, rows, len(restored))
    logits = 2 * sizes.vocabulary * sizes.hidden * sizes.layers * POSITIONS
    return Work(cells + logits + arithmetic.forward(sizes, [POSITIONS] * 2, 2 * POSITIONS)
                - 2 * sizes.vocabulary * sizes.hidden * 2 * POSITIONS)
