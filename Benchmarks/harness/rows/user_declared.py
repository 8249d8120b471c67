"""LoReFT that a user declares against the built-in one: the same graph, and training steps of the same cost."""

from .. import agreement
from ..row import Contestant, Goal, Line, Race
from . import training

NAME = "user-loreft"
SEQUENCES, LENGTH, LABELLED = 2, 64, 16
USER, BUILT_IN = "declared by a user", "built in"


def make(setting):
    tokens = setting.texts.sequences(SEQUENCES, LENGTH)
    prompt = LENGTH - LABELLED
    task = setting.task(
        sequences=tokens, labels=[[-100] * prompt + row[prompt:] for row in tokens], prompt_lengths=[prompt] * SEQUENCES,
        batch_size=SEQUENCES, learning_rate=1e-3, shows_graph=True,
        **setting.loreft(range(setting.sizes.layers), training.RANK, "f7+l7"))
    return Race(
        contestants=[Contestant.ours("training", task | {"is_user_declared": True}, USER, NAME),
                     Contestant.ours("training", task, BUILT_IN, NAME)],
        lines=[Line(
            NAME, "LoReFT that a user declares: a training step, all layers, f7+l7", [BUILT_IN], Goal("slowdown", 0.02),
            agreement.both(agreement.same("nodes"), agreement.same("graph"), agreement.same("loss")), ours=USER,
            loss_tolerance={BUILT_IN: 0}, note="both are compiled to the same nodes, and give the same bits")],
        unit=("tokens", SEQUENCES * LENGTH), samples=(61, 7), always_warms_up=True)
