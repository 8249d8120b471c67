"""What the rows of reading a prompt have in common."""

from .. import agreement, arithmetic
from ..row import Contestant, Goal, Line, Race, Work

TOKENS = 512


def race(setting, name, title, file, target, tolerance):
    task = setting.task(model=str(file), prompt=setting.texts.running(TOKENS), file=str(file))
    operations = arithmetic.forward(setting.sizes, [TOKENS], 1)
    agreements = agreement.numbers(["logits"], tolerance)
    return Race(
        contestants=[
            Contestant.ours("prompt", task), Contestant.ours("prompt", task | {"precision": "bf16"}, "ours, bf16"),
            Contestant("llama.cpp", "llama_prompt", task)],
        lines=[
            Line(name, f"{title}, f32 products", ["llama.cpp"], Goal("speed", target), agreements, work=Work(operations)),
            Line(f"{name}-bf16", f"{title}, bf16 products", ["llama.cpp"], Goal("speed", target), agreements,
                 ours="ours, bf16", work=Work(operations, limit="bf16"))],
        unit=("tokens", TOKENS))
