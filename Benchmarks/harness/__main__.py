"""Measures ours and the peers in turn on the same weights, tokens and threads, and writes the table.

./Scripts/bench               all rows, into Docs/Performance.md and Docs/performance.json
./Scripts/bench --quick       the same with fewer samples, in under five minutes; printed, not written
./Scripts/bench --only decode-f32 --only forward
"""

import argparse
import datetime
import os
import sys
import tempfile
import time
from pathlib import Path

from . import machine, measuring, report, weights
from .arithmetic import Sizes
from .rows import MODULES, NAMED
from .setting import Setting
from .texts import Texts
from .worker import WorkerFailed


def arguments():
    parser = argparse.ArgumentParser(
        prog="Scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--only", action="append", metavar="ROW", choices=list(NAMED), help="this row; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of every side")
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=None,
                        help="write Docs/Performance.md and Docs/performance.json; the default is to do so after all rows "
                             "of a full run")
    parser.add_argument("--binary", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def usual(quick):
    """All rows; a quick run leaves out those that take minutes by their nature."""
    return [name for name, module in NAMED.items() if not (quick and getattr(module, "IS_SLOW", False))]


def measure_rows(given, setting, limits):
    results, failures = [], {}
    for name in given.only or usual(given.quick):
        started = time.perf_counter()

        def progress(what):
            print(f"{name}: {what}", file=sys.stderr, flush=True)

        try:
            found = measuring.measure(NAMED[name].make(setting), setting, progress)
        except (measuring.Disagreement, WorkerFailed) as problem:
            failures[name] = str(problem).splitlines()[0]
            print(f"{name}: {problem}", file=sys.stderr, flush=True)
        else:
            results += found
            for result in found:
                progress(" | ".join(report.cells(result, limits)))
        progress(f"done in {time.perf_counter() - started:.0f} s")
    return results, failures


def main():
    given = arguments()
    if given.list:
        for module in MODULES:
            print(f"{module.NAME:24} {module.__doc__.splitlines()[0]}")
        return 0
    forms = weights.prepare()
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(forms, Sizes.read(forms.folder), Texts(forms.folder), given.threads, Path(folder), given.binary,
                          given.quick)
        limits = machine.limits(setting)
        results, failures = measure_rows(given, setting, limits)
        found = (results, limits, machine.description(given.threads), failures,
                 datetime.datetime.now().strftime("%Y-%m-%d %H:%M"))
        print(report.text(*found))
        if given.write if given.write is not None else not (given.quick or given.only):
            report.write_document(report.text(*found))
            report.write_numbers(report.numbers(*found))
            report.copy_plots(setting.folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
