"""The emoji demo in reft and in pyreft, in turn on this machine: seconds per epoch, their ratio, and how much emoji the
answers to ten questions outside the training set hold.

    python emoji_compare.py --reft ../../.build/release/reft --model FILE.gguf --rounds 2 --peer-epochs 4

Timing alternates: in each round some epochs of pyreft, then some of reft, with the same data and threads. pyreft's answers
need all 100 epochs (a quarter of an hour): run emoji_pyreft.py for them and give its report with --peer-report.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from emoji_share import emoji_share

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "Examples" / "Data"
PROGRAM = ["--template", "chatml", "--preset", "loreft", "--rank", "4", "--layers", "15", "--positions", "l1",
           "--batch-size", "10", "--learning-rate", "4e-3", "--schedule", "linear"]


def reft(arguments, *words, **settings):
    return subprocess.run([arguments.reft, *words], check=True, capture_output=True, text=True, **settings).stdout


def train(arguments, folder, epochs):
    """Seconds of each epoch; the adapter is left in the folder."""
    log = Path(folder) / "log.jsonl"
    reft(arguments, "train", arguments.model, "--data", str(DATA / "emoji_train.jsonl"), "--output",
         str(Path(folder) / "adapter"), "--epochs", str(epochs), "--log", str(log), "--threads", str(arguments.threads),
         *PROGRAM)
    return [json.loads(line)["seconds"] for line in log.read_text().splitlines()]


def answers(arguments, *adapter):
    text = reft(arguments, "generate", arguments.model, "--prompts", str(DATA / "emoji_questions.txt"), "--template",
                "chatml", "--max-tokens", "64", "--json", *adapter)
    found = json.loads(text)
    return statistics.mean(emoji_share(item["text"]) for item in found), found


def train_peer(arguments):
    """pyreft's seconds of each epoch, the first (which warms up) left out."""
    run = subprocess.run(
        [sys.executable, str(HERE / "emoji_pyreft.py"), "--model", arguments.model, "--data",
         str(DATA / "emoji_train.jsonl"), "--questions", os.devnull, "--epochs", str(arguments.peer_epochs + 1),
         "--threads", str(arguments.threads)], check=True, capture_output=True, text=True)
    return [float(line.split(":")[1].split()[0]) for line in run.stderr.splitlines() if line.startswith("epoch ")][1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reft", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peer-epochs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=20, help="of reft in each round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peer-report", help="the JSON of a whole run of emoji_pyreft.py, for its answers")
    arguments = parser.parse_args()

    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            theirs += train_peer(arguments)
            ours += train(arguments, folder, arguments.epochs)[1:]
        whole = train(arguments, folder, 100)
        before, _ = answers(arguments)
        after, found = answers(arguments, "--adapter", str(Path(folder) / "adapter"))

    report = {
        "seconds_per_epoch": {"reft": statistics.median(ours), "pyreft": statistics.median(theirs)},
        "spread": {"reft": [min(ours), max(ours)], "pyreft": [min(theirs), max(theirs)]},
        "ratio": statistics.median(theirs) / statistics.median(ours),
        "reft_100_epochs_seconds": sum(whole),
        "emoji_share": {"reft_before": before, "reft_after": after},
        "answers": [{"question": item["prompt"], "answer": item["text"]} for item in found],
    }
    if arguments.peer_report:
        peer = json.loads(Path(arguments.peer_report).read_text())
        report["emoji_share"]["pyreft_after"] = peer["emoji_share_after"]
    print(json.dumps(report, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
