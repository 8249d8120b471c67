"""32 requests in one batch, each with an adapter of its own, against one adapter for all of them."""

from .. import agreement
from ..row import Contestant, Goal, Line, Race

NAME = "adapters"
REQUESTS, PROMPT, NEW_TOKENS, RANK = 32, 24, 16, 4
DIFFERENT, SAME = "32 adapters", "one adapter"


def make(setting):
    program = {"layers": list(range(setting.sizes.layers)), "rank": RANK, "positions": "all"}
    task = setting.task(prompts=setting.texts.sequences(REQUESTS, PROMPT), new_tokens=NEW_TOKENS, **program)
    return Race(
        contestants=[Contestant.ours("adapters", task | {"adapters": REQUESTS}, DIFFERENT, NAME),
                     Contestant.ours("adapters", task | {"adapters": 1}, SAME, NAME)],
        lines=[Line(
            "adapters", "32 requests with 32 adapters, LoReFT on every token and layer", [SAME], Goal("speed", 0.9),
            agreement.tokens(1), ours=DIFFERENT)],
        unit=("tokens", REQUESTS * NEW_TOKENS), samples=(9, 1))
