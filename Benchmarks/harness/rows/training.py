"""LoReFT training on all layers, both ends of the prompt, equal lengths, a quarter of the rows labelled."""

from .. import agreement, arithmetic
from ..row import Contestant, Goal, Line, Race, Work

NAME = "training"
SEQUENCES, LENGTH, LABELLED, RANK = 8, 128, 32, 4


def make(setting):
    task = setting.task(**data(setting), **setting.loreft(range(setting.sizes.layers), RANK, "f7+l7"))
    return Race(
        contestants=[Contestant.ours("training", task), Contestant("pyreft", "pyreft_training", task)],
        lines=[Line(
            "training-f32", "LoReFT training, all layers, f7+l7, 8 × 128 tokens, f32", ["pyreft"], Goal("speed", 1.4),
            agreement.numbers(["loss", "gradient.*"], 1e-3), work=work(setting.sizes), loss_tolerance={"pyreft": 1e-3})],
        unit=("tokens", SEQUENCES * LENGTH))


def data(setting):
    """Equal lengths, a quarter of the rows labelled."""
    sequences = setting.texts.sequences(SEQUENCES, LENGTH)
    prompt = LENGTH - LABELLED
    return {"sequences": sequences, "labels": [[-100] * prompt + tokens[prompt:] for tokens in sequences],
            "prompt_lengths": [prompt] * SEQUENCES, "batch_size": SEQUENCES, "learning_rate": 1e-3}


def work(sizes):
    lengths, labelled = [LENGTH] * SEQUENCES, SEQUENCES * LABELLED
    return Work(arithmetic.forward(sizes, lengths, labelled)
                + arithmetic.backward(sizes, lengths, labelled, sizes.layers - 1)
                + arithmetic.interventions(sizes, sizes.layers, RANK, SEQUENCES * 14))
