"""First values of LoReFT's parameters, the same for us and for pyreft."""

import numpy
from safetensors.numpy import save_file


def write(path, layers, rank, width, seed=7):
    """`LAYER.rotation` [d, r] with orthonormal columns, `LAYER.weight` [r, d], `LAYER.bias` [r]: pyreft's distributions."""
    generator = numpy.random.default_rng(seed)
    bound = width ** -0.5
    tensors = {}
    for layer in layers:
        rotation, _ = numpy.linalg.qr(generator.standard_normal((width, rank)))
        tensors[f"{layer}.rotation"] = numpy.ascontiguousarray(rotation, dtype=numpy.float32)
        tensors[f"{layer}.weight"] = generator.uniform(-bound, bound, (rank, width)).astype(numpy.float32)
        tensors[f"{layer}.bias"] = generator.uniform(-bound, bound, rank).astype(numpy.float32)
    save_file(tensors, path)
