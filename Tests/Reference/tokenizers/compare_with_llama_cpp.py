"""Compares this package's tokenizer with llama.cpp (loaded vocabulary-only) on mixed text.

    compare_with_llama_cpp.py ENCODER MODEL.gguf [--lines 10000] [--text FILE]...

ENCODER is a program called as `ENCODER encode MODEL.gguf LINES.json OUT.jsonl`; it writes for each line an object with `ids`.
llama.cpp takes some strings (`</s>` among them) for special tokens even where the file does not; lines with `</s>` are
counted apart.
"""
import argparse, json, subprocess, sys, tempfile
from pathlib import Path

from llama_cpp import Llama
from mixed_text import lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("encoder")
    parser.add_argument("model", type=Path)
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--text", type=Path, action="append", default=[])
    options = parser.parse_args()
    corpus = lines(options.lines, texts=[path.read_text() for path in options.text])
    with tempfile.TemporaryDirectory() as scratch:
        source, result = Path(scratch, "lines.json"), Path(scratch, "out.jsonl")
        source.write_text(json.dumps(corpus))
        subprocess.run([options.encoder, "encode", str(options.model), str(source), str(result)], check=True)
        ours = [json.loads(line)["ids"] for line in result.read_text().split("\n") if line]
    llama = Llama(model_path=str(options.model), vocab_only=True, verbose=False)
    plain = special = 0
    for line, ids in zip(corpus, ours, strict=True):
        expected = llama.tokenize(line.encode(), add_bos=True, special=True)
        if ids == expected:
            continue
        if "</s>" in line:
            special += 1
            continue
        plain += 1
        if plain <= 5:
            print(repr(line)[:300], "\n  expected", expected[:60], "\n  got     ", ids[:60])
    print(options.model.name, len(corpus), "lines;", plain, "different,", special, "more among those with </s>")
    sys.exit(plain > 0)


main()
