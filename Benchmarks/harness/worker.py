"""A process that does one side of a row on demand."""

import base64
import json
import os
import subprocess

import numpy

from .places import BENCHMARKS, PYTHON


class WorkerFailed(Exception):
    """A worker ended where an answer was due."""


class Worker:
    """Runs a contestant, or variants of ours in one process: `ask("check")`, `ask("sample", "NAME")`, `ask("memory")`."""

    def __init__(self, contestants, folder, binary):
        contestant = contestants[0]
        self.name = contestant.group or contestant.name
        self.has_variants = contestant.group is not None
        workload, task = contestant.workload, contestant.task
        if self.has_variants:
            workload, task = "variants", {each.name: {"workload": each.workload, "task": each.task} for each in contestants}
        path = folder / f"{self.name.replace(' ', '-').replace('/', '-')}.json"
        path.write_text(json.dumps(task), encoding="utf-8")
        command = [str(contestant.binary or binary)] if contestant.is_ours else [PYTHON, "-m", "peers"]
        command += [workload, str(path)]
        threads = str(contestant.task["threads"])
        environment = os.environ | {"PYTHONPATH": str(BENCHMARKS), "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
                                    "REFT_THREADS": threads, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        self.log = open(path.with_suffix(".log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        text=True, env=environment)
        self.answer()

    def ask(self, command, contestant=None):
        """The answer to a command; of variants it says whose."""
        self.process.stdin.write(f"{command} {contestant}\n" if self.has_variants else f"{command}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise WorkerFailed(f"{self.name} ended with code {self.process.returncode}:\n{self.log.read()[-4000:]}")
        return {name: decoded(value) for name, value in json.loads(line).items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


def decoded(value):
    """Arrays of numbers come as base64."""
    if isinstance(value, dict) and "f32" in value:
        return numpy.frombuffer(base64.b64decode(value["f32"]), dtype="<f4")
    return value
