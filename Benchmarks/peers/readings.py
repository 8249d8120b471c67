"""What answers are made of."""

import base64

import numpy


def floats(tensor):
    """Many numbers: f32, little-endian, base64."""
    array = numpy.ascontiguousarray(tensor, dtype="<f4")
    return {"f32": base64.b64encode(array.tobytes()).decode("ascii")}


def peak_bytes():
    """The most memory that was resident so far (VmHWM), mapped pages of files included."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
