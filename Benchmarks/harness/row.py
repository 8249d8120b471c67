"""What a row of the table is: who does what, how results are compared, what is counted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable


@dataclass(frozen=True)
class Contestant:
    """One side of a race: a workload of Sources/Bench or of peers/, with its task."""

    name: str
    workload: str
    task: dict
    is_ours: bool = False
    #: How much of the work one sample does, where a side does only a part of it.
    share: float = 1
    #: Contestants of ours with the same group are variants in one process, on the same memory.
    group: str | None = None
    #: Another build of ours than the one that is measured.
    binary: Path | None = None

    @classmethod
    def ours(cls, workload, task, name="ours", group=None):
        return cls(name, workload, task, is_ours=True, group=group)


@dataclass(frozen=True)
class Agreement:
    """How far a result is from the peer's, and how far it may be."""

    what: str
    error: float
    tolerance: float

    @property
    def holds(self):
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Work:
    """What one sample of our side takes at least: operations, or bytes of weights that are read."""

    operations: float = 0
    bytes: float = 0
    #: The limit that it is a share of: `sgemm`, `bf16` or `memory`.
    limit: str = "sgemm"


@dataclass(frozen=True)
class Goal:
    """What is to be reached. `speed`: the peer's time over ours, at least; `share`: ours over the peer's, at most;
    `slowdown`: ours over the peer's minus one, at most."""

    kind: str
    value: float | None = None

    def reached(self, ratio):
        if self.value is None:
            return None
        return ratio >= self.value if self.kind == "speed" else ratio <= self.value

    def text(self, ratio):
        return f"{100 * ratio:.2f} %" if self.kind == "slowdown" else f"{ratio:.2f}×"

    @property
    def wanted(self):
        if self.value is None:
            return "reported"
        sign = "≥" if self.kind == "speed" else "≤"
        return f"{sign} {self.value * 100:g} %" if self.kind == "slowdown" else f"{sign} {self.value:g}×"


@dataclass(frozen=True)
class Line:
    """A line of the table: one of our contestants against a peer, which the ratio is of; further peers stand beside it."""

    name: str
    title: str
    peers: list[str]
    goal: Goal
    #: Compares answers to `check`, ours under "ours", the peers' under their names.
    agreements: Callable[[dict], list[Agreement]] = lambda answers: []
    ours: str = "ours"
    work: Work = field(default_factory=Work)
    #: How far the losses of a training may part from each peer's while it is timed.
    loss_tolerance: dict | None = None
    note: str = ""


@dataclass(frozen=True)
class Race:
    """Contestants that are measured in turn, and the lines of the table that come of it."""

    contestants: list[Contestant]
    lines: list[Line]
    #: What is counted, and how many of it a sample has: ("tokens", 1024).
    unit: tuple[str, float]
    #: Samples in a full and in a quick run.
    samples: tuple[int, int] = (7, 1)
    #: Whether even a quick run needs a round before the first that counts; else its comparison is what warms up.
    always_warms_up: bool = False
    #: What is measured: `seconds` of samples, `memory` at the end of a fresh process, `start`, from a process's start to
    #: its first sample, or `instructions` of a token.
    measures: str = "seconds"
    #: A reading with the seconds of the many like parts of a sample, for small differences: the sample then counts as the
    #: midmean of its parts times their number.
    parts: str | None = None
    #: Makes further samples and lines of what was measured, and may draw it.
    derive: Callable[[dict], tuple[dict, list[Line]]] | None = None
