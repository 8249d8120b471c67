"""A causal language model as transformers opens it."""

import torch
from transformers import AutoModelForCausalLM


def open_model(task):
    torch.set_num_threads(task["threads"])
    dtype = getattr(torch, task.get("peer_type", "float32"))
    return AutoModelForCausalLM.from_pretrained(task["model"], dtype=dtype).eval()
