"""Two versions of ours against each other: paired runs of the rows' workloads, or instructions of short ones.

./Scripts/compare-versions REV                         paired runs, other version first built from REV
./Scripts/compare-versions REV --instructions          instructions under callgrind, which no noise moves
./Scripts/compare-versions REV --only decode-f32
"""

import argparse
import dataclasses
import os
import sys
import tempfile
from pathlib import Path

from . import instructions, measuring, weights
from .agreement import numbers
from .arithmetic import Sizes
from .row import Goal, Line, Race
from .rows import NAMED
from .setting import Setting
from .texts import Texts

#: Rows whose workloads are compared unless others are asked for.
USUAL = ["training", "forward", "decode-f32", "prompt-q4_1"]


def arguments():
    parser = argparse.ArgumentParser(
        prog="Scripts/compare-versions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--this", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--other", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", metavar="ROW", choices=list(NAMED), help="this row; may be repeated")
    parser.add_argument("--instructions", action="store_true", help="count instructions under callgrind")
    parser.add_argument("--rounds", type=int, default=15, help="of paired runs")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=float, default=0.03,
                        help="the exit code is 1 where this version is slower by more than this share, with its whole interval")
    return parser.parse_args()


def paired(contestant, other, rounds):
    """One workload on two binaries; the results of both must agree."""
    versions = [dataclasses.replace(contestant, name="this"), dataclasses.replace(contestant, name="other", binary=other)]
    line = Line(contestant.name, "", ["other"], Goal("slowdown"), numbers(["*"], 2e-2), ours="this")
    return Race(versions, [line], ("runs", 1), samples=(rounds, rounds))


def main():
    given = arguments()
    forms = weights.prepare()
    slower = []
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(forms, Sizes.read(forms.folder), Texts(forms.folder), given.threads, Path(folder), given.this,
                          quick=True)
        if given.instructions:
            return instructions.compare(setting, given.this, given.other, given.limit)
        for name in given.only or USUAL:
            for contestant in NAMED[name].make(setting).contestants:
                if not contestant.is_ours:
                    continue
                race = paired(contestant, given.other, given.rounds)
                ratio = measuring.measure(race, setting, lambda _: None)[0].ratio("other")
                print(f"{name}, {contestant.name}: {100 * ratio.median:+.2f} % "
                      f"({100 * ratio.low:+.2f} to {100 * ratio.high:+.2f})", flush=True)
                if ratio.low > given.limit:
                    slower.append(name)
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
