"""What LoReFT costs in decoding: on prompt positions, and on every token, against the model alone."""

from ..row import Contestant, Goal, Line, Race
from . import decoding

NAME = "slowdown"
RANK, NEW_TOKENS = 4, 33
PROMPT_POSITIONS, EVERY_TOKEN = "LoReFT on prompt positions", "LoReFT on every token"


def make(setting):
    layers = range(setting.sizes.layers)
    plain = decoding.task(setting, new_tokens=NEW_TOKENS)

    def task(positions):
        return plain | {"program": setting.loreft(layers, RANK, positions)}

    return Race(
        contestants=[Contestant.ours("decoding", plain, "no program", NAME),
                     Contestant.ours("decoding", task("f7+l7"), PROMPT_POSITIONS, NAME),
                     Contestant.ours("decoding", task("all"), EVERY_TOKEN, NAME)],
        lines=[
            Line("slowdown-prompt", "Slow-down of decoding by LoReFT on prompt positions, all layers", ["no program"],
                 Goal("slowdown", 0.01), ours=PROMPT_POSITIONS),
            Line("slowdown-all", "Slow-down of decoding by LoReFT on every token, all layers", ["no program"],
                 Goal("slowdown", 0.05), ours=EVERY_TOKEN)],
        unit=("tokens", NEW_TOKENS - 1), samples=(41, 5), parts="tokens")
