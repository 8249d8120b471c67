"""The machine: its description, and what it can do at most, measured in the same run."""

import os
import platform
from dataclasses import asdict, dataclass
from importlib import metadata

from .row import Contestant
from .worker import Worker

PEERS = ["torch", "transformers", "pyreft", "pyvene", "llama-cpp-python"]
FLAGS = ["avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16"]


@dataclass(frozen=True)
class Limits:
    """Operations per second of sgemm and of bf16 dot products, bytes per second of memory."""

    sgemm: float
    bf16: float
    memory: float

    def of(self, name):
        return asdict(self)[name]


def limits(setting, rounds=5):
    """The best of some rounds, as it is a limit."""
    contestant = Contestant("machine", "machine", {"threads": setting.threads}, is_ours=True)
    with Worker([contestant], setting.folder, setting.binary) as worker:
        found = [worker.ask("sample") for _ in range(rounds)]
    return Limits(*(max(answer[key] for answer in found)
                    for key in ("sgemm_flops", "bf16_flops", "read_bytes_per_second")))


def description(threads):
    info = cpu_info()
    return {
        "cpu": info.get("model name", platform.processor()), "cores": os.cpu_count(), "threads": threads,
        "instructions": [flag for flag in FLAGS if flag in info.get("flags", "").split()],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}", "python": platform.python_version(),
        "peers": {name: metadata.version(name) for name in PEERS},
    }


def cpu_info():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            pairs = (line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
            return {key.strip(): value.strip() for key, value in pairs}
    except OSError:
        return {}
