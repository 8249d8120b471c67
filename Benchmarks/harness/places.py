"""Where things lie: the repository, the user's cache, what a run writes."""

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BENCHMARKS = REPOSITORY / "Benchmarks"
EXAMPLES = REPOSITORY / "Examples" / "Data"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swift-reft"
FILES = CACHE / "bench"
PYTHON = sys.executable


def data_folder():
    """Real data sets, where somebody has named their folder; None elsewhere."""
    given = os.environ.get("REFT_BENCH_DATA")
    return Path(given) if given else None
