"""Measures a race: agreement first, then samples of all contestants in turn."""

import contextlib
import time
from dataclasses import dataclass

from .agreement import loss_curves
from .row import Line, Race
from .spread import Spread, ratio_interval
from .worker import Worker

#: Threads of other libraries spin for a moment after their work; they must not take ours away.
PAUSE_SECONDS = 0.05


class Disagreement(Exception):
    """Results differ by more than they may; nothing was timed."""


@dataclass(frozen=True)
class Result:
    """What came of a line. Samples are seconds (or bytes) of the whole work, by contestant."""

    line: Line
    race: Race
    samples: dict
    agreements: list

    def spread(self, contestant):
        return Spread.of(self.samples[contestant])

    @property
    def ours(self):
        return self.spread(self.line.ours)

    def ratio(self, peer):
        """The line's ratio against a peer, with its interval."""
        ours, theirs = self.samples[self.line.ours], self.samples[peer]
        if self.line.goal.kind == "speed":
            return ratio_interval(theirs, ours)
        ratio = ratio_interval(ours, theirs)
        if self.line.goal.kind == "slowdown":
            return Spread(ratio.median - 1, ratio.low - 1, ratio.high - 1, ratio.count)
        return ratio


def measure(race, setting, report):
    """The results of all lines."""
    count = race.samples[1 if setting.quick else 0]
    if race.measures != "seconds":
        samples = measure_processes(race, setting, count, report)
        return [Result(line, race, samples, []) for line in race.lines]
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(Worker(contestant, setting.folder, setting.binary))
                   for contestant in race.contestants]
        report("comparing")
        agreements = compare(race, {worker.name: worker.ask("check") for worker in workers})
        answers = measure_in_turn(race, workers, count, report)
    # The first round warms up.
    samples = {contestant.name: [answer["seconds"] / contestant.share for answer in answers[contestant.name][1:]]
               for contestant in race.contestants}
    return [Result(line, race, samples, agreements[line.name] + loss_curves(line, answers)) for line in race.lines]


def measure_in_turn(race, workers, count, report):
    """The answers of all workers, one for each round."""
    answers = {worker.name: [] for worker in workers}
    for turn in range(count + 1):
        report(f"round {turn} of {count}" if turn else "warming up")
        # Each second round goes backwards, so that what one leaves behind meets all of them.
        for worker in workers[::-1 if turn % 2 else 1]:
            time.sleep(PAUSE_SECONDS)
            answers[worker.name].append(worker.ask("sample"))
    return answers


def compare(race, answers):
    """The agreements of each line."""
    found = {}
    for line in race.lines:
        found[line.name] = line.agreements(
            {"ours": answers[line.ours]} | {peer: answers[peer] for peer in line.peers})
    wrong = [agreement for agreements in found.values() for agreement in agreements if not agreement.holds]
    if wrong:
        raise Disagreement("; ".join(
            f"{agreement.what}: {agreement.error:.2e}, allowed {agreement.tolerance:.0e}" for agreement in wrong))
    return found


def measure_processes(race, setting, count, report):
    """Each sample in a fresh process: the most memory at the end, or the time from the start to the first sample."""
    samples = {contestant.name: [] for contestant in race.contestants}
    warmups = 1 if race.measures == "start" else 0
    for turn in range(1 - warmups, count + 1):
        report(f"round {turn} of {count}" if turn else "warming up")
        for contestant in race.contestants:
            started = time.perf_counter()
            with Worker(contestant, setting.folder, setting.binary) as worker:
                worker.ask("sample")
                seconds = time.perf_counter() - started
                value = seconds if race.measures == "start" else worker.ask("memory")["peak_bytes"]
            if turn > 0:
                samples[contestant.name].append(value)
    return samples
