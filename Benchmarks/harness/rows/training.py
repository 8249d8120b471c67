"""LoReFT training on all layers, both ends of the prompt, equal lengths, a quarter of the rows labelled."""

from dataclasses import replace

from .. import agreement, arithmetic
from ..row import Contestant, Goal, Line, Race, Work

NAME = "training"
OURS_BF16, PEER_BF16 = "ours, bf16", "pyreft in bf16"
LOOSE, LOOSER = {"pyreft": 2e-2, PEER_BF16: 5e-2}, {"pyreft": 1e-1, PEER_BF16: 5e-1}
SEQUENCES, LENGTH, LABELLED, RANK = 8, 128, 32, 4


def make(setting):
    count = sequences(setting)
    task = setting.task(**data(setting), **setting.loreft(range(setting.sizes.layers), RANK, "f7+l7"))
    return Race(
        contestants=[*sides(task), *([] if setting.quick else [
            Contestant(PEER_BF16, "pyreft_training", task | {"peer_type": "bfloat16"})])],
        lines=lines(NAME, f"LoReFT training, all layers, f7+l7, {count} × {LENGTH} tokens", (1.4, 2.5),
                    work(setting.sizes, count),
                    further=[] if setting.quick else [PEER_BF16]),
        unit=("tokens", count * LENGTH))


def sides(task):
    """Ours in f32 and with bf16 products, pyreft in f32."""
    return [Contestant.ours("training", task), Contestant.ours("training", task | {"precision": "bf16"}, OURS_BF16),
            Contestant("pyreft", "pyreft_training", task)]


def lines(name, title, targets, work, note="", further=()):
    """A line for each of our precisions. Rounding to bf16 moves gradients by some percent of the largest, losses by less."""
    exact = agreement.numbers(["loss", "gradient.*"], {"pyreft": 1e-3})
    rounded = agreement.both(agreement.numbers(["loss"], LOOSE), agreement.numbers(["gradient.*"], LOOSER))
    return [
        Line(f"{name}-f32", f"{title}, f32", ["pyreft"], Goal("speed", targets[0]), exact, work=work,
             loss_tolerance={"pyreft": 1e-3}, note=note),
        Line(f"{name}-bf16", f"{title}, bf16 products", ["pyreft", *further], Goal("speed", targets[1]), rounded,
             ours=OURS_BF16, work=replace(work, limit="bf16"), loss_tolerance={"pyreft": 2e-2}, note=note)]


def sequences(setting):
    """The sequences of a batch."""
    return SEQUENCES // 2 if setting.quick else SEQUENCES


def data(setting):
    """Equal lengths, a quarter of the rows labelled."""
    tokens = setting.texts.sequences(sequences(setting), LENGTH)
    prompt = LENGTH - LABELLED
    return {"sequences": tokens, "labels": [[-100] * prompt + row[prompt:] for row in tokens],
            "prompt_lengths": [prompt] * len(tokens), "batch_size": len(tokens), "learning_rate": 1e-3}


def work(sizes, count):
    lengths, labelled = [LENGTH] * count, count * LABELLED
    return Work(arithmetic.forward(sizes, lengths, labelled)
                + arithmetic.backward(sizes, lengths, labelled, sizes.layers - 1)
                + arithmetic.interventions(sizes, sizes.layers, RANK, count * 14))
