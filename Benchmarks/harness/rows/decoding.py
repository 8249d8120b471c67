"""What the rows of greedy decoding have in common."""

from .. import agreement
from ..row import Contestant, Goal, Line, Race, Work

PROMPT, NEW_TOKENS = 32, 64
UNIT = ("tokens", NEW_TOKENS - 1)


def task(setting, prompt=PROMPT, **rest):
    return setting.task(prompt=setting.texts.running(prompt), new_tokens=NEW_TOKENS) | rest


def llama(setting, file, prompt=PROMPT):
    return Contestant("llama.cpp", "llama_decoding", task(setting, prompt, file=str(file), context=prompt + NEW_TOKENS))


def race(setting, name, title, file, tolerance, bytes_per_number, prompt=PROMPT):
    """Ours against llama.cpp with the same file."""
    return Race(
        contestants=[Contestant.ours("decoding", task(setting, prompt, model=str(file))), llama(setting, file, prompt)],
        lines=[Line(
            name, title, ["llama.cpp"], Goal("speed", 1),
            # llama.cpp rounds activations too: answers may part where two tokens are nearly as likely.
            agreement.both(agreement.numbers(["logits"], tolerance), agreement.likeliest(tolerance)),
            work=work(setting.sizes, bytes_per_number))],
        unit=UNIT, samples=(7, 2))


def work(sizes, bytes_per_number):
    """Each token reads all matrices once."""
    return Work(bytes=(NEW_TOKENS - 1) * sizes.matrices * bytes_per_number, limit="memory")
