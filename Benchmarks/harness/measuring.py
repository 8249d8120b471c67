"""Measures a race: agreement first, then samples of all contestants in turn."""

import contextlib
import time
from dataclasses import dataclass

from . import instructions
from .agreement import loss_curves
from .row import Line, Race
from .spread import Spread, midmean, paired_interval, ratio_interval
from .worker import Worker

#: Threads of other libraries spin for a moment after their work; they must not take ours away.
PAUSE_SECONDS = 0.05


class Disagreement(Exception):
    """Results differ by more than they may; no figure is given."""


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
        if self.line.goal.kind == "share":
            return ratio_interval(ours, theirs)
        ratio = paired_interval(ours, theirs)
        return Spread(ratio.median - 1, ratio.low - 1, ratio.high - 1, ratio.count)


def measure(race, setting, report):
    """The results of all lines."""
    count = race.samples[1 if setting.quick else 0]
    if race.measures == "instructions":
        samples = measure_instructions(race, setting, count, report)
        return [Result(line, race, samples, []) for line in race.lines]
    if race.measures != "seconds":
        agreements = compare(race, checked_apart(race, setting, report))
        samples = measure_processes(race, setting, count, report)
        return [Result(line, race, samples, agreements[line.name]) for line in race.lines]
    with contextlib.ExitStack() as stack:
        workers = open_workers(race, setting, stack)
        report("comparing")
        checked = {name: worker.ask("check", name) for name, worker in workers.items()}
        agreements = compare(race, checked)
        warmups = 1 if race.always_warms_up or not setting.quick else 0
        answers = measure_in_turn(workers, warmups, count, report)
    samples = {contestant.name: [seconds(race, answer) / contestant.share for answer in answers[contestant.name][warmups:]]
               for contestant in race.contestants}
    results = [Result(line, race, samples, agreements[line.name] + required(loss_curves(line, answers)))
               for line in race.lines]
    if race.derive:
        further, lines = race.derive(samples)
        results += [Result(line, race, samples | further, []) for line in lines]
    return results


def seconds(race, answer):
    """What a sample counts as."""
    if race.parts is None:
        return answer["seconds"]
    parts = answer[race.parts]
    return float(midmean(parts)) * len(parts)


def checked_apart(race, setting, report):
    """The results of all contestants, each from a process of its own that is not measured."""
    checked = {}
    for contestant in race.contestants:
        report(f"comparing: {contestant.name}")
        with Worker([contestant], setting.folder, setting.binary) as worker:
            checked[contestant.name] = worker.ask("check")
    return checked


def open_workers(race, setting, stack):
    """The worker of each contestant; those of one group share theirs."""
    groups = {}
    for contestant in race.contestants:
        groups.setdefault(contestant.group or contestant.name, []).append(contestant)
    workers = {}
    for members in groups.values():
        worker = stack.enter_context(Worker(members, setting.folder, setting.binary))
        workers |= {member.name: worker for member in members}
    return workers


def measure_in_turn(workers, warmups, count, report):
    """The answers of all contestants, one for each round, those that warm up first."""
    answers = {name: [] for name in workers}
    for turn in range(1 - warmups, count + 1):
        report(f"round {turn} of {count}" if turn else "warming up")
        # Each second round goes backwards, so that what one leaves behind meets all of them.
        for name in list(workers)[::-1 if turn % 2 else 1]:
            time.sleep(PAUSE_SECONDS)
            answers[name].append(workers[name].ask("sample", name))
    return answers


def compare(race, answers):
    """The agreements of each line."""
    found = {}
    for line in race.lines:
        found[line.name] = required(line.agreements(
            {"ours": answers[line.ours]} | {peer: answers[peer] for peer in line.peers}))
    return found


def required(agreements):
    """The agreements, all of which hold."""
    wrong = [agreement for agreement in agreements if not agreement.holds]
    if wrong:
        raise Disagreement("; ".join(
            f"{agreement.what}: {agreement.error:.2e}, allowed {agreement.tolerance:.0e}" for agreement in wrong))
    return agreements


def measure_processes(race, setting, count, report):
    """Each sample in a fresh process: the most memory at the end, or the time from the start to the first sample."""
    samples = {contestant.name: [] for contestant in race.contestants}
    warmups = 1 if race.measures == "start" and not setting.quick else 0
    for turn in range(1 - warmups, count + 1):
        report(f"round {turn} of {count}" if turn else "warming up")
        for contestant in race.contestants:
            started = time.perf_counter()
            with Worker([contestant], setting.folder, setting.binary) as worker:
                worker.ask("sample")
                seconds = time.perf_counter() - started
                value = seconds if race.measures == "start" else worker.ask("memory")["peak_bytes"]
            if turn > 0:
                samples[contestant.name].append(value)
    return samples


def measure_instructions(race, setting, count, report):
    """Instructions of a token, which vary too little to be counted twice."""
    samples = {}
    for contestant in race.contestants:
        report(f"counting {contestant.name}")
        samples[contestant.name] = [instructions.per_token(setting, setting.binary, contestant.task["program"])]
    return samples
