"""Cells of a causal-tracing grid in pyvene: the block output of a clean run restored in a corrupted run.

A sample is some cells, spread over the grid; each is one call, which runs clean and corrupted sequence.
"""

import time

import pyvene
import torch

from .hugging_face import open_model
from .readings import floats


class PyveneTracing:
    def __init__(self, task):
        model = open_model(task)
        self.clean, self.corrupted = (torch.tensor([task[name]]) for name in ("clean", "corrupted"))
        self.checked = task["checked_cells"]
        self.timed = task["timed_cells"]
        self.layers = {layer: self.intervenable(model, layer) for layer in {cell[0] for cell in self.checked + self.timed}}

    @staticmethod
    def intervenable(model, layer):
        config = pyvene.IntervenableConfig(
            representations=[{"layer": layer, "component": "block_output"}],
            intervention_types=pyvene.VanillaIntervention)
        return pyvene.IntervenableModel(config, model)

    def logits(self, layer, position):
        with torch.no_grad():
            _, output = self.layers[layer]({"input_ids": self.corrupted}, [{"input_ids": self.clean}],
                                           {"sources->base": position})
        return output.logits[0, -1]

    def check(self):
        return {f"cell.{layer}.{position}": floats(self.logits(layer, position)) for layer, position in self.checked}

    def sample(self):
        start = time.perf_counter()
        for layer, position in self.timed:
            self.logits(layer, position)
        return {"seconds": time.perf_counter() - start}
