"""Greedy decoding of the F16 file against llama.cpp."""

from . import decoding

NAME = "decode-f16"


def make(setting):
    return decoding.race(setting, NAME, "Greedy decoding, F16", setting.weights.f16, 0.02, 2)
