"""SmolLM2-135M-Instruct from its GGUF: weights expanded by transformers, text tokenised by llama.cpp.

transformers' tokenizer made from a GGUF puts a begin token before every text and takes <|im_start|> for the end token
here, so that ids come from llama.cpp (vocabulary only), which reads the file's own tokenizer settings.
"""

from pathlib import Path

import torch
from llama_cpp import Llama
from transformers import AutoModelForCausalLM

END_TOKEN = 2
TEMPLATE = "<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def load_model(path):
    path = Path(path)
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()


class Vocabulary:
    """llama.cpp's tokenizer of a GGUF file; special tokens in text are recognised, nothing is added."""

    def __init__(self, path):
        self.llama = Llama(str(path), vocab_only=True, verbose=False)

    def encode(self, text):
        return self.llama.tokenize(text.encode("utf-8"), add_bos=False, special=True)

    def decode(self, ids):
        return self.llama.detokenize(list(ids), special=True).decode("utf-8", errors="replace")
