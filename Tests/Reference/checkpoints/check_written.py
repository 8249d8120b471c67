"""Reads with the reference packages what the Swift writers wrote.

    CHECKPOINTS_OUTPUT=FOLDER swift test --filter WrittenFilesTests
    python Tests/Reference/checkpoints/check_written.py FOLDER

Fails with an assertion where a value differs.
"""

import pathlib
import sys
import zipfile
from collections import OrderedDict

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from safetensors import safe_open


def check_safetensors(path):
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == {"format": "pt", "note": 'tab\t "ü" 😀'}, file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    check_tensors(tensors)


def check_pytorch(path):
    tensors = torch.load(path, weights_only=True)
    assert isinstance(tensors, OrderedDict), type(tensors)
    check_tensors(tensors)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def check_tensors(tensors):
    expected = {
        "f32": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 8,
        "f16": (torch.arange(6, dtype=torch.float32).reshape(2, 3) / 7).half(),
        "bf16": (torch.arange(6, dtype=torch.float32).reshape(2, 3) / 7).bfloat16(),
        "f64": torch.arange(6, dtype=torch.float64).reshape(2, 3) / 8,
        "i64": torch.arange(6).reshape(2, 3) - 2**40,
        "i32": (torch.arange(6).reshape(2, 3) - 3).int(),
        "scalar ü": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }
    assert tensors.keys() == expected.keys(), tensors.keys()
    for name, tensor in expected.items():
        assert tensors[name].dtype == tensor.dtype and torch.equal(tensors[name], tensor), name


def check_gguf(path):
    file = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in file.fields.items() if not name.startswith("GGUF.")}
    assert fields == {
        "general.architecture": "controlvector",
        "integer": -5,
        "real": 0.5,
        "flag": True,
        "texts": ["a", "", "ü"],
        "numbers": [1, -2],
    }, fields
    tensors = {tensor.name: tensor for tensor in file.tensors}
    ramp = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(tensors["direction.1"].data, ramp)
    assert np.array_equal(tensors["half"].data, (ramp / 7).astype(np.float16))
    blocks = tensors["blocks"]
    assert blocks.tensor_type == gguf.GGMLQuantizationType.Q8_0 and list(blocks.shape) == [32, 2]
    values = dequantize(blocks.data, blocks.tensor_type)
    assert np.array_equal(values, np.full((2, 32), 3, dtype=np.float32)), values


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    check_safetensors(folder / "written.safetensors")
    check_pytorch(folder / "written.bin")
    check_gguf(folder / "written.gguf")
    print("all files read as they were written")
