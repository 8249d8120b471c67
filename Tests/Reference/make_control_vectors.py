"""Writes Tests/Fixtures/control_vectors: GGUF files as repeng's export_gguf and llama.cpp's generator write them, and
what the tiny models give with them.

llama.cpp adds direction.N to what its layer N gives (N counted from 0; layer 0 is never steered), as repeng adds
directions[N] to the output of the N-th block.
"""

import gguf
import numpy as np
import torch

from fixture_files import FIXTURES, write_json, write_tensors
from tiny_models import HIDDEN, sequences, tiny_model

FOLDER = FIXTURES / "control_vectors"


def write_case(name, model_name, blocks, layers, strength):
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(len(name))
    directions = {layer: random.standard_normal(HIDDEN).astype(np.float32) for layer in layers}
    writer = gguf.GGUFWriter(str(folder / "vector.gguf"), "controlvector")
    writer.add_string("controlvector.model_hint", model_name)
    writer.add_uint32("controlvector.layer_count", len(directions))
    for layer, direction in directions.items():
        writer.add_tensor(f"direction.{layer}", direction)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model = tiny_model(model_name)

    def steer(direction):
        def hook(_, __, output):
            rows = output[0] if isinstance(output, tuple) else output
            rows = rows + strength * torch.from_numpy(direction)
            return (rows,) + output[1:] if isinstance(output, tuple) else rows
        return hook

    for layer, direction in directions.items():
        blocks(model)[layer].register_forward_hook(steer(direction))
    with torch.no_grad():
        logits = [model(torch.tensor([row]), use_cache=False).logits[0] for row in sequences()]
    write_tensors(folder / "expected.safetensors", {"expected.logits": torch.cat(logits)})
    write_json(folder / "case.json", {"model": model_name, "strength": strength, "input": {"sequences": sequences()}})


if __name__ == "__main__":
    write_case("qwen2", "qwen2-sliding", lambda model: model.model.layers, [1, 2], 1.5)
    write_case("gpt2", "gpt2", lambda model: model.transformer.h, [1], -0.5)
