"""Greedy decoding in llama.cpp. What is timed is the tokens after the first, which comes from the prompt's rows."""

import time

from .llama_file import LlamaFile
from .readings import floats


class LlamaDecoding:
    def __init__(self, task):
        self.file = LlamaFile(task)
        self.prompt = task["prompt"]
        self.new_tokens = task["new_tokens"]

    def generate(self):
        self.file.begin()
        token = int(self.file.run(self.prompt).argmax())
        tokens, start = [token], time.perf_counter()
        while len(tokens) < self.new_tokens:
            token = int(self.file.run([token]).argmax())
            tokens.append(token)
        return tokens, time.perf_counter() - start

    def check(self):
        self.file.begin()
        logits = floats(self.file.run(self.prompt))
        return {"logits": logits, "tokens": self.generate()[0]}

    def sample(self):
        return {"seconds": self.generate()[1]}
