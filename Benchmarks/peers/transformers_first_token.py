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

    def first_token(self):
        tokens = self.tokenizer(self.text, return_tensors="pt", add_special_tokens=False)
        with torch.no_grad():
            output = self.model.generate(**tokens, max_new_tokens=1, do_sample=False, pad_token_id=2)
        return self.tokenizer.decode(output[0, -1:])

    def check(self):
        return {"text": self.first_token()}

    def sample(self):
        start = time.perf_counter()
        self.first_token()
        return {"seconds": time.perf_counter() - start}
