"""Greedy decoding in transformers. What is timed is the tokens after the first, which comes from the prompt's rows."""

import time

import torch
from transformers import StoppingCriteria

from .hugging_face import open_model
from .readings import floats


class Clock(StoppingCriteria):
    """Notes when each token is there, and stops nothing."""

    def __init__(self):
        self.times = []

    def __call__(self, input_ids, scores, **_):
        self.times.append(time.perf_counter())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


class TransformersDecoding:
    def __init__(self, task):
        self.model = open_model(task)
        self.prompt = torch.tensor([task["prompt"]])
        self.new_tokens = task["new_tokens"]
        self.model.generation_config.eos_token_id = None
        self.model.generation_config.pad_token_id = 2

    def generate(self):
        clock = Clock()
        with torch.no_grad():
            output = self.model.generate(
                self.prompt, attention_mask=torch.ones_like(self.prompt), max_new_tokens=self.new_tokens,
                do_sample=False, stopping_criteria=[clock])
        return output[0, self.prompt.shape[1]:].tolist(), clock.times

    def check(self):
        with torch.no_grad():
            logits = self.model(self.prompt, use_cache=False).logits[0, -1]
        return {"logits": floats(logits), "tokens": self.generate()[0]}

    def sample(self):
        _, times = self.generate()
        return {"seconds": times[-1] - times[0]}
