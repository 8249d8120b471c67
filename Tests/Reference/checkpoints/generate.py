"""Writes the fixtures of CheckpointsTests with the reference packages.

    python Tests/Reference/checkpoints/generate.py

Needs: torch, safetensors, gguf, huggingface_hub (made with 2.13, 0.8.0, 0.19.0, 0.36). Everything is seeded.
"""

import pathlib
import shutil

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file

FIXTURES = pathlib.Path(__file__).parents[2] / "CheckpointsTests" / "Fixtures"
random = np.random.default_rng(20240403)

# Per quantised type: blocks to make, and the byte offsets of the f16 scales in a block.
QUANTISED = {
    "Q4_0": (6, [0]),
    "Q4_1": (6, [0, 2]),
    "Q5_0": (6, [0]),
    "Q5_1": (6, [0, 2]),
    "Q8_0": (6, [0]),
    "Q2_K": (3, [80, 82]),
    "Q3_K": (3, [108]),
    "Q4_K": (3, [0, 2]),
    "Q5_K": (3, [0, 2]),
    "Q6_K": (3, [208]),
}


def random_blocks(name):
    """Random bytes with scales of either sign from subnormal to about 2, and what they expand to."""
    count, scales = QUANTISED[name]
    kind = gguf.GGMLQuantizationType[name]
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for place in scales:
        values = (random.choice([-1, 1], count) * 2.0 ** random.uniform(-18, 1, count)).astype(np.float16)
        blocks[:, place : place + 2] = values.view(np.uint8).reshape(count, 2)
    return blocks, np.concatenate([dequantize(block.reshape(1, -1), kind).ravel() for block in blocks])


def write_blocks():
    tensors = {}
    for name in QUANTISED:
        blocks, values = random_blocks(name)
        tensors[f"{name}.blocks"] = torch.from_numpy(blocks)
        tensors[f"{name}.values"] = torch.from_numpy(values.astype(np.float32))
    save_file(tensors, FIXTURES / "blocks.safetensors")


def plain_tensors():
    ramp = torch.arange(6).reshape(2, 3)
    return {
        "f64": (ramp.double() - 2.5) * 1e-3,
        "f32": (ramp.float() - 2.5) * 3,
        "f16": (ramp.half() - 2.5) / 7,
        "bf16": (ramp.bfloat16() - 2.5) / 7,
        "i64": ramp - 2**40,
        "i32": ramp.int() - 70000,
        "i16": ramp.short() - 300,
        "i8": ramp.char() - 3,
        "u8": ramp.to(torch.uint8) + 250,
        "bool": ramp % 2 == 1,
        "scalar": torch.tensor(1.5),
        "empty": torch.zeros(0, 4),
        'quote " slash \\ naïve 😀': torch.tensor([7.0]),
    }


def write_safetensors():
    tensors = plain_tensors()
    metadata = {"format": "pt", "note": 'two\nlines, "quoted", ünïcode 😀'}
    save_file(tensors, FIXTURES / "reference.safetensors", metadata=metadata)
    expected = {name: tensor.float() for name, tensor in tensors.items()}
    save_file(expected, FIXTURES / "reference-values.safetensors")


def write_shards():
    folder = FIXTURES / "sharded"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    state = {f"layers.{i}.weight": torch.full((4, 4), float(i)) for i in range(5)}
    save_torch_state_dict(state, folder, filename_pattern="model{suffix}.safetensors", max_shard_size=150)


def write_gguf():
    writer = gguf.GGUFWriter(FIXTURES / "reference.gguf", "llama")
    writer.add_uint8("test.uint8", 200)
    writer.add_int8("test.int8", -100)
    writer.add_uint16("test.uint16", 60000)
    writer.add_int16("test.int16", -30000)
    writer.add_uint32("test.uint32", 4_000_000_000)
    writer.add_int32("test.int32", -2_000_000_000)
    writer.add_float32("test.float32", 1.5)
    writer.add_bool("test.bool", True)
    writer.add_string("test.string", "naïve 😀")
    writer.add_uint64("test.uint64", 2**63 + 1)
    writer.add_int64("test.int64", -(2**62))
    writer.add_float64("test.float64", 0.1)
    writer.add_array("test.strings", ["<s>", "", "Ġthe", "😀"])
    writer.add_array("test.integers", [3, -4, 5])
    writer.add_array("test.floats", [0.5, -1000.0])
    writer.add_array("test.booleans", [True, False, True])
    writer.add_array("test.nested", [[1, 2], [3]])
    values = {}
    for name, kind in [("f32", "F32"), ("f16", "F16"), ("bf16", "BF16"), ("q8", "Q8_0"), ("q4", "Q4_1")]:
        data = random.standard_normal((3, 64)).astype(np.float32)
        encoded = quantize(data, gguf.GGMLQuantizationType[kind])
        writer.add_tensor(f"blk.0.{name}.weight", encoded, raw_dtype=gguf.GGMLQuantizationType[kind])
        values[f"blk.0.{name}.weight"] = dequantize(encoded, gguf.GGMLQuantizationType[kind])
    writer.add_tensor("norm.weight", np.arange(5, dtype=np.float32))
    values["norm.weight"] = np.arange(5, dtype=np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({n: torch.from_numpy(np.ascontiguousarray(v)) for n, v in values.items()}, FIXTURES / "gguf-values.safetensors")


if __name__ == "__main__":
    FIXTURES.mkdir(parents=True, exist_ok=True)
    write_blocks()
    write_safetensors()
    write_shards()
    write_gguf()
