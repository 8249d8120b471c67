"""What LoReFT adds to the instructions of a token, counted under callgrind (portable or AVX2 kernels, one thread)."""

from .. import instructions
from ..row import Contestant, Goal, Line, Race

NAME = "instructions"
IS_SLOW = True


def make(setting):
    programs = instructions.programs(setting)
    plain, prompt, every = programs
    return Race(
        contestants=[Contestant.ours("decoding", setting.task(program=program), name)
                     for name, program in programs.items()],
        lines=[
            Line("instructions-prompt", "Instructions of a token, LoReFT on prompt positions, all layers", [plain],
                 Goal("slowdown", 0.01), ours=prompt),
            Line("instructions-all", "Instructions of a token, LoReFT on every token, all layers", [plain],
                 Goal("slowdown", 0.05), ours=every)],
        unit=("tokens", 1), samples=(1, 1), measures="instructions")
