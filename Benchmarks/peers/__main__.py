"""The peer's side of one row: does a workload as often as it is told to, and says how long it took.

    python -m peers WORKLOAD TASK.json

Commands come as lines on standard input, and each is answered with one line of JSON, as by our side (Sources/Bench).
"""

import importlib
import json
import os
import sys

from .readings import peak_bytes

WORKLOADS = {
    "pyreft_training": "PyreftTraining",
    "pyvene_tracing": "PyveneTracing",
    "transformers_forward": "TransformersForward",
    "transformers_decoding": "TransformersDecoding",
    "transformers_first_token": "TransformersFirstToken",
    "llama_decoding": "LlamaDecoding",
    "llama_prompt": "LlamaPrompt",
}


def main():
    # pyvene and others print to stdout, which is for the answers alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    name, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        task = json.load(file)
    workload = getattr(importlib.import_module(f"peers.{name}"), WORKLOADS[name])(task)
    answer({"ready": True})
    for line in sys.stdin:
        command = line.strip()
        answer({"peak_bytes": peak_bytes()} if command == "memory" else getattr(workload, command)())


if __name__ == "__main__":
    main()
