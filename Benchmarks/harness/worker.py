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
    """Runs a contestant: `ask("check")`, `ask("sample")`, `ask("memory")`."""

    def __init__(self, contestant, folder, binary):
        self.name = contestant.name
        path = folder / f"{contestant.name.replace(' ', '-').replace('/', '-')}.json"
        path.write_text(json.dumps(contestant.task), encoding="utf-8")
        if contestant.is_ours:
            command = [str(contestant.binary or binary), contestant.workload, str(path)]
        else:
            command = [PYTHON, "-m", "peers", contestant.workload, str(path)]
        threads = str(contestant.task["threads"])
        environment = os.environ | {"PYTHONPATH": str(BENCHMARKS), "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
                                    "REFT_THREADS": threads, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        self.log = open(path.with_suffix(".log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        text=True, env=environment)
        self.answer()

    def ask(self, command):
        self.process.stdin.write(command + "\n")
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
