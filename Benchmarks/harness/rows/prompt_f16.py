"""Reading a prompt of 512 tokens with the F16 file, against llama.cpp."""

from . import prompt

NAME = "prompt-f16"


def make(setting):
    return prompt.race(setting, NAME, "Prompt of 512 tokens, F16", setting.weights.f16, 1, 0.02)
