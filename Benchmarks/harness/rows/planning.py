"""Making the plan of a training step, at the rate of 3,000 nodes, against what it may take."""

from ..row import Contestant, Goal, Line, Race

NAME = "planning"
NODES, SECONDS = 3000, 2e-3
ALLOWED = f"{1000 * SECONDS:g} ms"


def make(setting):
    layers = range(setting.sizes.layers)
    task = setting.task(**setting.loreft(layers, 4, "f7+l7"), nodes=NODES)
    return Race(
        contestants=[Contestant.ours("planning", task)], lines=[], unit=("plans", 1), samples=(7, 1),
        derive=lambda samples: derive(samples))


def derive(samples):
    (ours, times), = samples.items()
    line = Line("planning", f"Making a plan of {NODES} nodes, LoReFT training on all layers", [ALLOWED], Goal("share", 1),
                ours=ours)
    return {ALLOWED: [SECONDS] * len(times)}, [line]
