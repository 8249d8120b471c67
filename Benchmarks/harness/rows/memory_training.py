"""The most memory of a process that trains: one step, from f32 safetensors."""

from .. import agreement
from ..row import Contestant, Goal, Line, Race
from . import training

NAME = "memory-training"


def make(setting):
    task = setting.task(**training.data(setting), **setting.loreft(range(setting.sizes.layers), training.RANK, "f7+l7"))
    return Race(
        contestants=[Contestant.ours("training", task), Contestant("pyreft", "pyreft_training", task)],
        lines=[Line("memory-training", "Peak memory (VmHWM) of training, f32 safetensors", ["pyreft"], Goal("share", 0.4),
                    agreement.numbers(["loss", "gradient.*"], 1e-3))],
        unit=("bytes", 1), samples=(3, 1), measures="memory")
