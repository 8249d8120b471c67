"""Writes Tests/Fixtures/stories260K.json: greedy continuations by transformers.

usage: make_stories260k.py FOLDER    (stories260K in Hugging Face layout; the model itself is not committed)
"""

import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from fixture_files import FIXTURES, write_json

PROMPTS = [
    "Once upon a time, there was a little girl named Lily.",
    "The dog wanted to",
    "One day, Tom found a big red ball",
]
NEW_TOKENS = 100


def main(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt).input_ids
        output = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                                max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS, do_sample=False,
                                eos_token_id=None, pad_token_id=0)[0]
        with torch.no_grad():
            logits = model(output[None]).logits[0, len(ids) - 1:-1]
        assert torch.equal(logits.argmax(-1), output[len(ids):]), "cached and uncached greedy differ"
        best = logits.topk(2).values
        cases.append({
            "prompt": prompt,
            "prompt_ids": ids,
            "generated_ids": output[len(ids):].tolist(),
            "generated_text": tokenizer.decode(output[len(ids):], skip_special_tokens=True),
            "whole_text": tokenizer.decode(output, skip_special_tokens=True),
            "smallest_margin": float((best[:, 0] - best[:, 1]).min()),
        })
    write_json(FIXTURES / "stories260K.json", {"new_tokens": NEW_TOKENS, "cases": cases})


if __name__ == "__main__":
    main(sys.argv[1])
