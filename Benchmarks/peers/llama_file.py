"""A GGUF file as llama.cpp opens it, one batch at a time."""

import numpy
from llama_cpp import Llama

LEAST_CONTEXT = 1024
BATCH = 512


class LlamaFile:
    def __init__(self, task):
        self.llama = Llama(task["file"], n_ctx=max(LEAST_CONTEXT, task.get("context", 0)), n_batch=BATCH, n_ubatch=BATCH, n_threads=task["threads"],
                           n_threads_batch=task["threads"], verbose=False)
        self.vocabulary = self.llama.n_vocab()

    def begin(self):
        self.llama.reset()

    def run(self, tokens):
        """The logits after the last of some further tokens, where llama.cpp keeps them."""
        self.llama.eval(tokens)
        return numpy.ctypeslib.as_array(self.llama._ctx.get_logits(), shape=(self.vocabulary,))
