"""Writes what the `tokenizers` package gives for mixed text, for RealTokenizerTests.

    expected_tokens.py TOKENIZER_FOLDER OUT.json [LINES]
"""
import json, sys
from pathlib import Path

from tokenizers import Tokenizer
from mixed_text import lines


def main():
    tokenizer = Tokenizer.from_file(str(Path(sys.argv[1], "tokenizer.json")))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    cases = []
    for line in lines(int(sys.argv[3]) if len(sys.argv) > 3 else 10000):
        ids = tokenizer.encode(line).ids
        cases.append(dict(text=line, ids=ids, decoded=tokenizer.decode(ids)))
    Path(sys.argv[2]).write_text(json.dumps(cases))


main()
