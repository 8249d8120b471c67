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
    """Real data sets, where somebody has put them beside the repository; None elsewhere."""
    given = os.environ.get("REFT_BENCH_DATA")
    places = [Path(given)] if given else [parent / "shared" / "data" for parent in REPOSITORY.parents]
    return next((place for place in places if place.is_dir()), None)
