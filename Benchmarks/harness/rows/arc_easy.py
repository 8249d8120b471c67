"""LoReFT training on real data with unequal lengths: ARC-Easy in batches of 16."""

from .. import arithmetic, texts
from ..row import Race, Work
from . import training

NAME = "arc-easy"
BATCH, BATCHES, RANK, EDITED = 16, 4, 4, 14


def make(setting):
    batch, batches = (BATCH // 2, 1) if setting.quick else (BATCH, BATCHES)
    examples, source = texts.arc_easy(setting.texts, batch * batches)
    sequences, labels, prompts = map(list, zip(*examples))
    task = setting.task(sequences=sequences, labels=labels, prompt_lengths=prompts, batch_size=batch, learning_rate=1e-3,
                        **setting.loreft(range(setting.sizes.layers), RANK, "f7+l7"))
    return Race(
        contestants=training.sides(task),
        lines=training.lines(NAME, f"LoReFT training, all layers, f7+l7, ARC-Easy, batches of {batch}", (2.5, 4.5),
                             work(setting.sizes, sequences, prompts), note=source),
        unit=("tokens", sum(map(len, sequences))), samples=(5, 1))


def work(sizes, sequences, prompts):
    """The answer's last token is read by nobody; everything before it is reached."""
    lengths = [len(tokens) - 1 for tokens in sequences]
    labelled = sum(len(tokens) - prompt for tokens, prompt in zip(sequences, prompts))
    return Work(arithmetic.forward(sizes, lengths, labelled)
                + arithmetic.backward(sizes, lengths, labelled, sizes.layers - 1)
                + arithmetic.interventions(sizes, sizes.layers, RANK, EDITED * len(sequences)))
