"""An epoch of the emoji demo: ten examples, LoReFT at the last prompt token of layer 15, after the first epoch."""

from .. import arithmetic, texts
from ..row import Race, Work
from . import training

NAME = "emoji"
LAYER, RANK = 15, 4


def make(setting):
    sequences, labels, prompts = map(list, zip(*texts.emoji(setting.texts)))
    task = setting.task(
        sequences=sequences, labels=labels, prompt_lengths=prompts, batch_size=len(sequences), learning_rate=4e-3,
        **setting.loreft([LAYER], RANK, "l1"))
    return Race(
        contestants=training.sides(task),
        lines=training.lines(NAME, "Emoji epoch: layer 15, last prompt token, after the first epoch", (8, 12),
                             work(setting.sizes, sequences, prompts)),
        unit=("epochs", 1), samples=(9, 1), always_warms_up=True)


def work(sizes, sequences, prompts):
    """Forward and backward above the edited layer, on the rows from the last prompt token to the last but one."""
    rows = sum(len(tokens) - prompt for tokens, prompt in zip(sequences, prompts))
    pairs = sum(arithmetic.pairs([len(tokens) - 1]) - arithmetic.pairs([prompt - 1])
                for tokens, prompt in zip(sequences, prompts))
    blocks = sizes.layers - 1 - LAYER
    projection = 2 * sizes.vocabulary * sizes.hidden * rows
    return Work(2 * (blocks * 2 * sizes.block * rows + projection) + blocks * 14 * sizes.attention * pairs)
