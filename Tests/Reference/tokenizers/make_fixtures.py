"""Trains tiny tokenizers of each kind with the `tokenizers` package and writes what it gives for mixed text.

    make_fixtures.py FIXTURES_FOLDER
"""
import json, sys
from pathlib import Path

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)
from mixed_text import PHRASES, lines

GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
LLAMA3 = (r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"""
          r"""| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""")
QWEN35 = (r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"""
          r"""| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""")
LINES = sorted({line[:70] for line in lines(110, seed=3)})
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def byte_level(split, bos=None, normalizer=None, prefix_space=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=bos is not None))
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space, use_regex=split is None or split == "digits")
    if split == "digits":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), last])
    elif split:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), "isolated"), last])
    else:
        tokenizer.pre_tokenizer = last
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
                                  special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.train_from_iterator(PHRASES, trainer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=prefix_space)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def sentence_piece(metaspace):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=560, limit_alphabet=80, special_tokens=["<unk>", "<s>", "</s>"] + BYTES,
                                  show_progress=False)
    tokenizer.train_from_iterator(PHRASES, trainer)
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = data["added_tokens"][:3]
    data["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(data))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return tokenizer


def bert():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=420, limit_alphabet=120, show_progress=False,
                                        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.train_from_iterator(PHRASES, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def roberta():
    tokenizer = byte_level(None)
    tokenizer.add_special_tokens(["<s>", "</s>", AddedToken("<mask>", lstrip=True)])
    tokenizer.add_tokens([AddedToken("lower", single_word=True), AddedToken("Fox", normalized=True), AddedToken("▁", rstrip=True)])
    ids = {name: tokenizer.token_to_id(name) for name in ("<s>", "</s>")}
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", ids["</s>"]), ("<s>", ids["<s>"]), add_prefix_space=False)
    return tokenizer


def words():
    """The steps that no common model uses together."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s{2,}"), " "),
         normalizers.Strip(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(r"[0-9]{3}"), "merged_with_previous"),
         pre_tokenizers.Split("-", "removed"), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Whitespace(),
         pre_tokenizers.Split("o", "merged_with_next"), pre_tokenizers.Digits(individual_digits=False)])
    tokenizer.train_from_iterator(PHRASES, trainers.WordLevelTrainer(vocab_size=500, special_tokens=["<unk>"], show_progress=False))
    return tokenizer


KINDS = {
    "gpt2": lambda: byte_level(None),
    "gpt2-prefix-space": lambda: byte_level(None, prefix_space=True),
    "llama3": lambda: byte_level(LLAMA3 % "{1,3}", bos="<|endoftext|>"),
    "qwen2": lambda: byte_level(LLAMA3 % "", normalizer=normalizers.NFC()),
    "qwen35": lambda: byte_level(QWEN35, normalizer=normalizers.NFC()),
    "smollm": lambda: byte_level("digits"),
    "sentencepiece-prepend": lambda: sentence_piece(False),
    "sentencepiece-metaspace": lambda: sentence_piece(True),
    "bert": bert,
    "roberta": roberta,
    "words": words,
}


def byte_offsets(text, offsets):
    starts = [0]
    for character in text:
        starts.append(starts[-1] + len(character.encode()))
    return [starts[place] for pair in offsets for place in pair]


def main():
    folder = Path(sys.argv[1])
    (folder / "lines.json").write_text(json.dumps(LINES, ensure_ascii=False) + "\n")
    for name, make in KINDS.items():
        tokenizer = make()
        (folder / f"{name}.tokenizer.json").write_text(
            json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        expected = []
        for index, line in enumerate(LINES):
            encoding = tokenizer.encode(line)
            pair = tokenizer.encode(line, LINES[index - 1]) if index % 10 == 0 else None
            expected.append(dict(
                ids=encoding.ids, offsets=byte_offsets(line, encoding.offsets) if index % 2 == 0 else None,
                decoded=tokenizer.decode(encoding.ids), whole=tokenizer.decode(encoding.ids, skip_special_tokens=False),
                pair=pair.ids if pair else None, types=pair.type_ids if pair else None))
        text = ",\n".join(json.dumps({k: v for k, v in case.items() if v is not None}, ensure_ascii=False, separators=(",", ":"))
                          for case in expected)
        (folder / f"{name}.expected.json").write_text("[" + text + "]\n")


main()
