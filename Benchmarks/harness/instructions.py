"""Instructions of a token, counted by callgrind: the difference of two runs whose answers have unequal lengths."""

import json
import os
import re
import shutil
import subprocess

PROMPT, SHORT, LONG = 4, 2, 4
RANK = 4


class NoCallgrind(Exception):
    """Instructions can not be counted on this machine."""


def stripped(binary, folder):
    """The binary without debugging information, which may be newer than what valgrind reads."""
    copy = folder / f"{abs(hash(binary))}.stripped"
    if not copy.exists():
        subprocess.run(["strip", "--strip-debug", "-o", str(copy), str(binary)], check=True)
    return copy


def of_run(binary, task, folder):
    """The instructions of a process that answers once, on one thread."""
    missing = [tool for tool in ("valgrind", "strip") if shutil.which(tool) is None]
    if missing:
        raise NoCallgrind(f"instructions are counted with {' and '.join(missing)}, which is not installed")
    path = folder / "instructions.json"
    path.write_text(json.dumps(task), encoding="utf-8")
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(stripped(binary, folder)), "decoding", str(path)],
        input="sample\n", capture_output=True, text=True, env=os.environ | {"REFT_THREADS": "1"})
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        raise RuntimeError(f"callgrind failed:\n{run.stderr[-2000:]}")
    return int(found[1])


def model_without_tokenizer(setting):
    """The f32 folder without its tokenizer, which would be most of what is counted."""
    folder = setting.folder / "instructions-model"
    folder.mkdir(exist_ok=True)
    for name in ("config.json", "generation_config.json", "model.safetensors"):
        if not (folder / name).exists():
            (folder / name).symlink_to(setting.weights.folder / name)
    return folder


def per_token(setting, binary, program=None):
    """The instructions of one decode step."""
    task = setting.task(prompt=setting.texts.running(PROMPT)) | {
        "model": str(model_without_tokenizer(setting)), "threads": 1, "program": program}
    short, long = (of_run(binary, task | {"new_tokens": count}, setting.folder) for count in (SHORT, LONG))
    return (long - short) / (LONG - SHORT)


def programs(setting):
    """No program, LoReFT on prompt positions, LoReFT on every token."""
    layers = range(setting.sizes.layers)
    return {"no program": None, "LoReFT on prompt positions": setting.loreft(layers, RANK, "f7+l7"),
            "LoReFT on every token": setting.loreft(layers, RANK, "all")}


def slowdowns(setting):
    """What programs add to the instructions of a token, as shares of those without a program."""
    counts = {name: per_token(setting, setting.binary, program) for name, program in programs(setting).items()}
    return counts, {name: count / counts["no program"] - 1 for name, count in counts.items()}


def compare(setting, this, other, limit):
    """Prints the instructions of a token in two versions; 1 where this one takes more by more than a share."""
    slower = False
    for name, program in programs(setting).items():
        counts = [per_token(setting, binary, program) for binary in (this, other)]
        change = counts[0] / counts[1] - 1
        print(f"a token, {name}: {counts[0] / 1e6:.1f} million instructions, {100 * change:+.2f} %", flush=True)
        slower = slower or change > limit
    return 1 if slower else 0
