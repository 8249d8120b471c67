"""Greedy decoding of the Q8_0 file against llama.cpp."""

from . import decoding

NAME = "decode-q8_0"


def make(setting):
    return decoding.race(setting, NAME, "Greedy decoding, Q8_0", setting.weights.q8_0, 0.05, 34/32)
