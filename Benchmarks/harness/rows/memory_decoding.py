"""The most memory of a process that decodes: from f32 safetensors, and with weights kept in their stored type."""

from .. import agreement
from ..row import Contestant, Goal, Line, Race
from . import decoding

NAME = "memory-decoding"
STORED = "ours, Q4_1"


def make(setting):
    task = decoding.task(setting) | ({"new_tokens": 16} if setting.quick else {})
    # What is measured is compared, in processes of their own, before it is.
    exact = agreement.both(agreement.numbers(["logits"], 2e-4), agreement.tokens(1))
    rounded = agreement.both(agreement.numbers(["logits"], 0.05), agreement.likeliest(0.05))
    return Race(
        contestants=[Contestant.ours("decoding", task),
                     Contestant.ours("decoding", task | {"model": str(setting.weights.q4_1)}, name=STORED),
                     Contestant("transformers", "transformers_decoding", task)],
        lines=[
            Line("memory-decoding", "Peak memory (VmHWM) of decoding, f32 safetensors", ["transformers"],
                 Goal("share", 0.6), exact),
            Line("memory-stored", "Peak memory (VmHWM) of decoding, Q4_1 file", ["transformers"], Goal("share"),
                 rounded, ours=STORED)],
        unit=("bytes", 1), samples=(3, 1), measures="memory")
