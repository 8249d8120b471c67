"""The first token of an answer in transformers, for a process that does nothing else."""

import time

import torch
from transformers import AutoTokenizer

from .hugging_face import open_model


class TransformersFirstToken:
    def __init__(self, task):
        self.tokenizer = AutoTokenizer.from_pretrained(task["model"])
        self.model = open_model(task)
        self.text = task["text"]

    def sample(self):
        start = time.perf_counter()
        tokens = self.tokenizer(self.text, return_tensors="pt", add_special_tokens=False)
        with torch.no_grad():
            output = self.model.generate(**tokens, max_new_tokens=1, do_sample=False, pad_token_id=2)
        return {"seconds": time.perf_counter() - start, "text": self.tokenizer.decode(output[0, -1:])}
