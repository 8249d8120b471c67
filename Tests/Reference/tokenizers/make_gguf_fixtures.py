"""Writes tiny GGUF vocabularies, and what llama.cpp (loaded vocabulary-only) gives for mixed text.

    make_gguf_fixtures.py FIXTURES_FOLDER     (after make_fixtures.py, whose tiny tokenizers are used)
"""
import json, sys, tempfile
from pathlib import Path

import gguf
from llama_cpp import Llama


def source(folder, name):
    data = json.loads((folder / f"{name}.tokenizer.json").read_text())
    vocabulary = data["model"]["vocab"]
    tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]
    added = {token["id"] for token in data["added_tokens"]}
    merges = [" ".join(merge) for merge in data["model"].get("merges", [])]
    return tokens, added, merges


def kinds(folder):
    for name, pre in [("gpt2", "gpt-2"), ("llama3", "llama-bpe"), ("qwen2", "qwen2"), ("smollm", "smollm"), ("qwen35", "qwen35")]:
        tokens, added, merges = source(folder, name)
        yield pre, dict(model="gpt2", pre=pre, tokens=tokens, merges=merges,
                        token_type=[3 if i in added else 1 for i in range(len(tokens))], bos=0, eos=0)
    tokens, added, merges = source(folder, "sentencepiece-prepend")
    rank = {"".join(merge.split(" ")): index for index, merge in reversed(list(enumerate(merges)))}
    types = [2 if i == 0 else 3 if i in (1, 2) else 6 if token.startswith("<0x") else 1 for i, token in enumerate(tokens)]
    scores = [float(-rank[token]) if token in rank else -1e4 - i for i, token in enumerate(tokens)]
    yield "llama", dict(model="llama", pre="default", tokens=tokens, scores=scores, token_type=types, bos=1, eos=2, unk=0,
                        add_bos=True, add_eos=True)
    yield "llama-no-prefix", dict(model="llama", pre="default", tokens=tokens, scores=scores, token_type=types, bos=1, eos=2,
                                  unk=0, add_bos=False, add_eos=False, add_space_prefix=False)
    tokens, added, _ = source(folder, "bert")
    tokens = [token if i in added else token[2:] if token.startswith("##") else "▁" + token for i, token in enumerate(tokens)]
    yield "bert", dict(model="bert", pre="jina-v2-en", tokens=tokens, token_type=[3 if i in added else 1 for i in range(len(tokens))],
                       bos=2, eos=3, unk=1, sep=3, pad=0)


def write(path, kind):
    writer = gguf.GGUFWriter(path, "bert" if kind["model"] == "bert" else "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(64)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_layer_norm_eps(1e-5)
    writer.add_causal_attention(kind["model"] != "bert")
    writer.add_tokenizer_model(kind["model"])
    writer.add_tokenizer_pre(kind["pre"])
    writer.add_token_list(kind["tokens"])
    writer.add_token_types(kind["token_type"])
    for key, add in [("scores", writer.add_token_scores), ("merges", writer.add_token_merges), ("bos", writer.add_bos_token_id),
                     ("eos", writer.add_eos_token_id), ("unk", writer.add_unk_token_id), ("sep", writer.add_sep_token_id),
                     ("pad", writer.add_pad_token_id), ("add_bos", writer.add_add_bos_token), ("add_eos", writer.add_add_eos_token),
                     ("add_space_prefix", writer.add_add_space_prefix)]:
        if key in kind:
            add(kind[key])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def main():
    folder = Path(sys.argv[1])
    lines = json.loads((folder / "lines.json").read_text())
    for name, kind in kinds(folder):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "vocabulary.gguf")
            write(path, kind)
            llama = Llama(model_path=str(path), vocab_only=True, verbose=False)
            expected = [llama.tokenize(line.encode(), add_bos=True, special=True) for line in lines]
        text = json.dumps(dict(source=kind, expected=expected), ensure_ascii=False, separators=(",", ":"))
        (folder / f"{name}.gguf.json").write_text(text.replace("],[", "],\n[") + "\n")


main()
