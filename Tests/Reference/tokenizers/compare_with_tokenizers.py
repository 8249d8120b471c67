"""Compares this package's tokenizer with the `tokenizers` package on mixed text.

    compare_with_tokenizers.py ENCODER FOLDER [--lines 10000] [--text FILE]...

ENCODER is a program called as `ENCODER encode FOLDER LINES.json OUT.jsonl`; it writes for each line an object with
`ids`, `offsets` (UTF-8 byte ranges), `text` (decoded, special tokens left out) and `full` (decoded with them).
"""
import argparse, json, subprocess, sys, tempfile
from pathlib import Path

from tokenizers import Tokenizer
from mixed_text import lines


def byte_offsets(text, offsets):
    starts = [0]
    for character in text:
        starts.append(starts[-1] + len(character.encode()))
    return [[starts[a], starts[b]] for a, b in offsets]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("encoder")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--text", type=Path, action="append", default=[])
    options = parser.parse_args()
    corpus = lines(options.lines, texts=[path.read_text() for path in options.text])
    tokenizer = Tokenizer.from_file(str(options.folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    with tempfile.TemporaryDirectory() as scratch:
        source, result = Path(scratch, "lines.json"), Path(scratch, "out.jsonl")
        source.write_text(json.dumps(corpus))
        subprocess.run([options.encoder, "encode", str(options.folder), str(source), str(result)], check=True)
        ours = [json.loads(line) for line in result.read_text().split("\n") if line]
    wrong = dict(ids=0, offsets=0, text=0, full=0, same=0, stream=0)
    shown = dict.fromkeys(wrong, 0)
    for line, own in zip(corpus, ours, strict=True):
        theirs = tokenizer.encode(line)
        expected = dict(ids=theirs.ids, offsets=byte_offsets(line, theirs.offsets),
                        text=tokenizer.decode(theirs.ids), full=tokenizer.decode(theirs.ids, skip_special_tokens=False),
                        same=True, stream=True)
        for key, value in expected.items():
            if key in own and own[key] != value:
                wrong[key] += 1
                if shown[key] < 5:
                    shown[key] += 1
                    print(key, repr(line)[:300], "\n  expected", str(value)[:400], "\n  got     ", str(own[key])[:400])
                    if key == "ids":
                        print("  expected", theirs.tokens[:60], "\n  got     ", [tokenizer.id_to_token(i) for i in own["ids"]][:60])
    print(options.folder.name, len(corpus), "lines; different:", wrong)
    sys.exit(any(wrong.values()))


main()
