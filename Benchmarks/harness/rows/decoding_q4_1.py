"""Greedy decoding of the Q4_1 file (its embedding table is Q8_0) against llama.cpp."""

from . import decoding

NAME = "decode-q4_1"
#: Q4_1 takes 20 bytes for 32 numbers, Q8_0 34.
BLOCKS, TABLE = 20 / 32, 34 / 32


def make(setting):
    return decoding.race(setting, NAME, "Greedy decoding, Q4_1", setting.weights.q4_1, 0.05, mean_bytes(setting.sizes))


def mean_bytes(sizes):
    """Of a number of the file's matrices."""
    table = sizes.vocabulary * sizes.hidden
    return (BLOCKS * (sizes.matrices - table) + TABLE * table) / sizes.matrices
