"""What rows are made from: the model's forms, texts, threads and the folder of this run."""

from dataclasses import dataclass
from pathlib import Path

from . import parameters
from .arithmetic import Sizes
from .texts import Texts
from .weights import Weights


@dataclass(frozen=True)
class Setting:
    weights: Weights
    sizes: Sizes
    texts: Texts
    threads: int
    folder: Path
    binary: Path
    quick: bool

    def task(self, **rest):
        """A task on the f32 folder."""
        return {"model": str(self.weights.folder), "threads": self.threads} | rest

    def loreft(self, layers, rank, positions):
        """The part of a task that declares LoReFT with given first values."""
        layers = list(layers)
        path = self.folder / f"loreft-{len(layers)}-{layers[0]}-{rank}.safetensors"
        parameters.write(path, layers, rank, self.sizes.hidden)
        return {"layers": layers, "rank": rank, "positions": positions, "parameters": str(path)}
