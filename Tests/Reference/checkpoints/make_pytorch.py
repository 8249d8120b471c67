"""Writes Tests/CheckpointsTests/Fixtures/pytorch: what torch.save writes, and what must be refused.

    python make_pytorch.py
"""

import io
import os
import pathlib
import struct
import zipfile
from collections import OrderedDict

import torch

FOLDER = pathlib.Path(__file__).parents[2] / "CheckpointsTests" / "Fixtures" / "pytorch"
RAMP = torch.arange(6, dtype=torch.float32).reshape(2, 3)


class Command:
    """A pickle that runs a command when Python loads it."""

    def __reduce__(self):
        return os.system, ("echo run",)


def tensors():
    base = torch.arange(24, dtype=torch.float32)
    return OrderedDict(
        f32=RAMP / 8, f64=RAMP.double() / 8, f16=(RAMP / 7).half(), bf16=(RAMP / 7).bfloat16(),
        i64=RAMP.long() - 2**40, i32=RAMP.int() - 3, i16=RAMP.short() - 300, i8=RAMP.to(torch.int8) - 3,
        u8=RAMP.byte(), bool=torch.tensor([True, False, True]), scalar=torch.tensor(2.5), empty=torch.zeros(0, 3),
        transposed=RAMP.T, part=base[4:10].reshape(2, 3), every_second=base[::2].reshape(3, 4)[:, 1:3],
        parameter=torch.nn.Parameter(RAMP), columns=base.reshape(4, 6)[:, :1])


def replaced(path, name, change):
    """The archive with the bytes of one member changed."""
    result = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(result, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            new.writestr(member, change(data) if member.endswith(name) else data)
    return result.getvalue()


def with_wide_fields(data):
    """The archive with every size and place of its directory in the fields of zip64."""
    end = data.rindex(b"PK\x05\x06")
    count, _, start = struct.unpack("<HII", data[end + 10:end + 20])
    place, directory = start, b""
    for _ in range(count):
        entry = data[place:place + 46]
        name_length, extra_length, comment_length = struct.unpack("<HHH", entry[28:34])
        stored, plain = struct.unpack("<II", entry[20:28])
        offset, = struct.unpack("<I", entry[42:46])
        wide = struct.pack("<HHQQQ", 1, 24, plain, stored, offset)
        directory += (entry[:20] + b"\xff" * 8 + entry[28:30] + struct.pack("<H", len(wide)) + entry[32:42]
                      + b"\xff" * 4 + data[place + 46:place + 46 + name_length] + wide)
        place += 46 + name_length + extra_length + comment_length
    record = start + len(directory)
    return (data[:start] + directory
            + struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), start)
            + struct.pack("<4sIQI", b"PK\x06\x07", 0, record, 1)
            + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    torch.save(tensors(), FOLDER / "all.bin")
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(RAMP)
        layer.bias.copy_(RAMP[0, :2])
    torch.save(layer.state_dict(), FOLDER / "module.bin")
    torch.save({"a": RAMP}, FOLDER / "old.bin", _use_new_zipfile_serialization=False)
    torch.save({"a": RAMP, "code": Command()}, FOLDER / "command.bin")
    torch.save({"a": RAMP}, FOLDER / "protocol-4.bin", pickle_protocol=4)
    torch.save({"a": RAMP, "n": 3}, FOLDER / "number.bin")
    torch.save(RAMP, FOLDER / "tensor.bin")
    torch.save({"a": torch.tensor(1.0).expand(1000)}, FOLDER / "expanded.bin")
    torch.save({"a": RAMP}, FOLDER / "small.bin")
    small = FOLDER / "small.bin"
    (FOLDER / "big-endian.bin").write_bytes(replaced(small, "byteorder", lambda _: b"big"))
    with zipfile.ZipFile(FOLDER / "compressed.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}." * 20)
    with zipfile.ZipFile(FOLDER / "no-pickle.bin", "w") as archive:
        archive.writestr("a/version", b"3\n")
    (FOLDER / "zip64.bin").write_bytes(with_wide_fields(small.read_bytes()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
