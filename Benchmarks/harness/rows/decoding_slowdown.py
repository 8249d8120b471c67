"""What LoReFT costs in decoding: on prompt positions, and on every token, against the model alone."""

from ..row import Contestant, Goal, Line, Race
from . import decoding

NAME = "slowdown"
RANK = 4
PROMPT_POSITIONS, EVERY_TOKEN = "LoReFT on prompt positions", "LoReFT on every token"


def make(setting):
    layers = range(setting.sizes.layers)

    def task(positions):
        return decoding.task(setting, program=setting.loreft(layers, RANK, positions))

    return Race(
        contestants=[Contestant.ours("decoding", decoding.task(setting), name="no program"),
                     Contestant.ours("decoding", task("f7+l7"), name=PROMPT_POSITIONS),
                     Contestant.ours("decoding", task("all"), name=EVERY_TOKEN)],
        lines=[
            Line("slowdown-prompt", "Slow-down of decoding by LoReFT on prompt positions, all layers", ["no program"],
                 Goal("slowdown", 0.01), ours=PROMPT_POSITIONS),
            Line("slowdown-all", "Slow-down of decoding by LoReFT on every token, all layers", ["no program"],
                 Goal("slowdown", 0.05), ours=EVERY_TOKEN)],
        unit=decoding.UNIT, samples=(25, 7))
