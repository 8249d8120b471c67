"""A forward pass of which only the logits of the last rows are read."""

from .. import agreement, arithmetic
from ..row import Contestant, Goal, Line, Race, Work

NAME = "forward"
SEQUENCES, LENGTH = 8, 128
FEWER = "with logits_to_keep=1"


def make(setting):
    count = SEQUENCES // 2 if setting.quick else SEQUENCES
    task = setting.task(sequences=setting.texts.sequences(count, LENGTH))
    return Race(
        contestants=[
            Contestant.ours("forward", task),
            Contestant("transformers", "transformers_forward", task | {"last_logits_only": False}),
            Contestant(FEWER, "transformers_forward", task | {"last_logits_only": True})],
        lines=[Line(
            "forward", f"Forward pass, {count} × {LENGTH} tokens, last rows' logits, f32", ["transformers", FEWER],
            Goal("speed", 1.4), agreement.numbers(["logits"], 2e-4),
            work=Work(arithmetic.forward(setting.sizes, [LENGTH] * count, count)))],
        unit=("tokens", count * LENGTH))
