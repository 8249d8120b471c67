"""Reading a prompt of 512 tokens with the Q4_1 file, against llama.cpp."""

from . import prompt

NAME = "prompt-q4_1"


def make(setting):
    return prompt.race(setting, NAME, "Prompt of 512 tokens, Q4_1", setting.weights.q4_1, 2, 0.05)
