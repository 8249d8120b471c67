"""A forward pass of a batch of equal lengths in transformers."""

import time

import torch

from .hugging_face import open_model
from .readings import floats


class TransformersForward:
    def __init__(self, task):
        self.model = open_model(task)
        self.tokens = torch.tensor(task["sequences"])
        # Without this transformers computes the logits of all rows.
        self.settings = {"logits_to_keep": 1} if task["last_logits_only"] else {}

    def run(self):
        with torch.no_grad():
            return self.model(self.tokens, use_cache=False, **self.settings).logits[:, -1]

    def check(self):
        return {"logits": floats(self.run())}

    def sample(self):
        start = time.perf_counter()
        self.run()
        return {"seconds": time.perf_counter() - start}
