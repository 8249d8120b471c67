"""Steps of LoReFT training in pyreft. A sample is one epoch over the task's sequences in their order.

The steps are those of pyreft's trainer (intervene, loss, backward, AdamW) without what transformers' Trainer does around
them, which makes them a little faster than what a user sees.
"""

import time

import pyreft
import torch
from safetensors.torch import load_file

from .hugging_face import open_model
from .readings import floats

PADDING = 2


class PyreftTraining:
    def __init__(self, task):
        model = open_model(task)
        parameters = load_file(task["parameters"])
        self.layers = task["layers"]
        self.interventions = [intervention(model, task["rank"], parameters, layer) for layer in self.layers]
        self.model = pyreft.get_reft_model(model, pyreft.ReftConfig(representations=[
            {"layer": layer, "component": "block_output", "low_rank_dimension": task["rank"], "intervention": made}
            for layer, made in zip(self.layers, self.interventions)]), set_device=False)
        self.model.train()
        trained = [parameter for made in self.interventions for parameter in made.parameters()]
        self.optimizer = torch.optim.AdamW(trained, lr=task["learning_rate"], weight_decay=0)
        size = task["batch_size"]
        self.batches = [self.batch(task, first, first + size) for first in range(0, len(task["sequences"]), size)]

    def batch(self, task, first, end):
        """Padded on the right to the longest, as pyreft's collator does it."""
        sequences, labels = task["sequences"][first:end], task["labels"][first:end]
        width = max(map(len, sequences))

        def padded(rows, filler):
            return torch.tensor([row + [filler] * (width - len(row)) for row in rows])

        places = [edited_positions(task["positions"], length) for length in task["prompt_lengths"][first:end]]
        return {
            "inputs": {"input_ids": padded(sequences, PADDING),
                       "attention_mask": padded([[1] * len(row) for row in sequences], 0)},
            "labels": padded(labels, -100),
            "unit_locations": {"sources->base": (None, [places] * len(self.layers))},
        }

    def loss(self, batch):
        _, output = self.model(batch["inputs"], unit_locations=batch["unit_locations"], labels=batch["labels"])
        return output.loss

    def check(self):
        self.optimizer.zero_grad()
        loss = self.loss(self.batches[0])
        loss.backward()
        found = {"loss": float(loss)}
        for layer, made in zip(self.layers, self.interventions):
            found[f"gradient.{layer}.weight"] = floats(made.learned_source.weight.grad.float())
            found[f"gradient.{layer}.bias"] = floats(made.learned_source.bias.grad.float())
        self.optimizer.zero_grad()
        return found

    def sample(self):
        start = time.perf_counter()
        losses = []
        for batch in self.batches:
            self.optimizer.zero_grad()
            loss = self.loss(batch)
            loss.backward()
            self.optimizer.step()
            losses.append(float(loss))
        return {"seconds": time.perf_counter() - start, "loss": sum(losses) / len(losses)}


def intervention(model, rank, parameters, layer):
    made = pyreft.LoreftIntervention(embed_dim=model.config.hidden_size, low_rank_dimension=rank, dtype=model.dtype)
    rotation = parameters[f"{layer}.rotation"]
    made.rotate_layer.weight = rotation
    with torch.no_grad():
        # PyTorch fills the square matrix that R is relative to with random columns; both sides must move R alike.
        square, upper = torch.linalg.qr(rotation.double(), mode="complete")
        square[:, :rotation.shape[1]] *= upper.diagonal().sign()
        made.rotate_layer.parametrizations.weight[0].base.copy_(square)
        made.learned_source.weight.copy_(parameters[f"{layer}.weight"])
        made.learned_source.bias.copy_(parameters[f"{layer}.bias"].reshape(-1))
    return made


def edited_positions(text, length):
    """`f7+l7` or `l1` of a prompt that is long enough for both."""
    found = []
    for part in text.split("+"):
        count = int(part[1:])
        found += range(count) if part[0] == "f" else range(length - count, length)
    return found
