"""Reading a prompt in llama.cpp, to the logits of its last token."""

import time

from .llama_file import LlamaFile
from .readings import floats


class LlamaPrompt:
    def __init__(self, task):
        self.file = LlamaFile(task)
        self.prompt = task["prompt"]

    def run(self):
        self.file.begin()
        return self.file.run(self.prompt)

    def check(self):
        return {"logits": floats(self.run())}

    def sample(self):
        start = time.perf_counter()
        self.run()
        return {"seconds": time.perf_counter() - start}
