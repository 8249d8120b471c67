"""Greedy decoding of the Q4_1 file after a long prompt against llama.cpp: keys and values are as many bytes as weights."""

from dataclasses import replace

from . import decoding, decoding_q4_1

NAME = "decode-long"
PROMPT = 1900


def make(setting):
    sizes = setting.sizes
    race = decoding.race(setting, NAME, f"Greedy decoding after {PROMPT} tokens, Q4_1", setting.weights.q4_1, 0.05,
                         decoding_q4_1.mean_bytes(sizes), prompt=PROMPT)
    # Ours are f32, of which each token reads a key and a value a layer and row; llama.cpp's are f16.
    line, rows = race.lines[0], PROMPT + decoding.NEW_TOKENS / 2
    stored = (decoding.NEW_TOKENS - 1) * rows * sizes.layers * 2 * sizes.keys * 4
    return replace(race, lines=[replace(line, work=replace(line.work, bytes=line.work.bytes + stored))], samples=(5, 2))
