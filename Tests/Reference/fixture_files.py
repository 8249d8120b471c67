"""Where fixtures lie and how they are written, so that the same values give the same bytes."""

import json
import re
from pathlib import Path

import torch
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures"

# Bits of a torch sum depend on the number of threads; one thread is the only count every machine has.
torch.set_num_threads(1)


def write_tensors(path, tensors):
    """Writes a dictionary of tensors as safetensors: floating point as f32, integers as i64."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prepared = {}
    for name, value in tensors.items():
        value = torch.as_tensor(value).detach()
        prepared[name] = value.to(torch.float32 if value.is_floating_point() else torch.int64).contiguous().clone()
    save_file(prepared, str(path))


def write_json(path, value):
    """Writes indented JSON in which lists of plain numbers stay on one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, ensure_ascii=False)
    number_list = re.compile(r"\[\s*(-?[\d.eE+-]+(?:,\s*-?[\d.eE+-]+)*)\s*\]")
    text = number_list.sub(lambda match: "[" + re.sub(r"\s*,\s*", ", ", match.group(1)) + "]", text)
    path.write_text(text + "\n", encoding="utf-8")
