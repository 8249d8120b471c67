"""What the rows of reading a prompt have in common."""

from .. import agreement, arithmetic
from ..row import Contestant, Goal, Line, Race, Work

TOKENS = 512


def race(setting, name, title, file, target, tolerance):
    task = setting.task(model=str(file), prompt=setting.texts.running(TOKENS), file=str(file))
    return Race(
        contestants=[Contestant.ours("prompt", task), Contestant("llama.cpp", "llama_prompt", task)],
        lines=[Line(
            name, title, ["llama.cpp"], Goal("speed", target), agreement.numbers(["logits"], tolerance),
            work=Work(arithmetic.forward(setting.sizes, [TOKENS], 1)))],
        unit=("tokens", TOKENS))
