"""Greedy decoding, f32, against transformers and llama.cpp."""

from .. import agreement
from ..row import Contestant, Goal, Line, Race
from . import decoding

NAME = "decode-f32"


def make(setting):
    task = decoding.task(setting)
    agreements = agreement.both(
        agreement.numbers(["logits"], {"transformers": 2e-4, "llama.cpp": 5e-3}), agreement.tokens(1))
    work = decoding.work(setting.sizes, 4)
    return Race(
        contestants=[Contestant.ours("decoding", task), Contestant("transformers", "transformers_decoding", task),
                     decoding.llama(setting, setting.weights.f32)],
        lines=[
            Line("decode-f32", "Greedy decoding, f32", ["transformers"], Goal("speed", 4), agreements, work=work),
            Line("decode-f32-llama", "Greedy decoding, f32, against llama.cpp", ["llama.cpp"], Goal("speed", 1), agreements,
                 work=work)],
        unit=decoding.UNIT)
