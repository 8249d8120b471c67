"""Comparisons of results. An error is the largest difference over the largest magnitude."""

import numpy

from .row import Agreement


def error(ours, theirs):
    ours, theirs = numpy.asarray(ours, dtype=numpy.float64), numpy.asarray(theirs, dtype=numpy.float64)
    if ours.shape != theirs.shape:
        return float("inf")
    return float(numpy.abs(ours - theirs).max() / max(numpy.abs(theirs).max(), 1e-30))


def numbers(names, tolerance):
    """Compares results by name (a name ending in `*` stands for all that begin so) with every peer."""

    def compare(answers):
        ours, found = answers["ours"], []
        for peer, theirs in answers.items():
            if peer == "ours":
                continue
            for name in names:
                matching = [key for key in theirs if key == name or name[-1] == "*" and key.startswith(name[:-1])]
                if not matching and name != "*":
                    raise KeyError(f"{peer} gives no {name}")
                allowed = tolerance[peer] if isinstance(tolerance, dict) else tolerance
                worst = max((error(ours[key], theirs[key]) for key in matching), default=0)
                found.append(Agreement(f"{name} with {peer}", worst, allowed))
        return found

    return compare


def tokens(required):
    """Compares greedy answers: the share of tokens before the first difference that is missing."""

    def compare(answers):
        ours, found = answers["ours"]["tokens"], []
        for peer, theirs in answers.items():
            if peer == "ours":
                continue
            same = 0
            for mine, other in zip(ours, theirs["tokens"]):
                if mine != other:
                    break
                same += 1
            found.append(Agreement(f"tokens with {peer}", 1 - same / len(ours), 1 - required + 1e-9))
        return found

    return compare


def same(name):
    """Compares results that are equal or not, by name."""

    def compare(answers):
        return [Agreement(f"{name} with {peer}", float(theirs[name] != answers["ours"][name]), 0)
                for peer, theirs in answers.items() if peer != "ours"]

    return compare


def likeliest(tolerance):
    """Compares greedy answers where logits may differ by a share of the largest magnitude: at the first step where the
    answers part, the peer's token may be below ours by twice that share in our logits, and no more."""

    def compare(answers):
        ours, found = answers["ours"], []
        logits = numpy.asarray(ours["answer_logits"], dtype=numpy.float64).reshape(len(ours["tokens"]), -1)
        for peer, theirs in answers.items():
            if peer == "ours":
                continue
            step = next((step for step, pair in enumerate(zip(ours["tokens"], theirs["tokens"])) if pair[0] != pair[1]), None)
            row = logits[step or 0]
            behind = 0 if step is None else (row.max() - row[theirs["tokens"][step]]) / numpy.abs(row).max()
            what = "all tokens" if step is None else f"token {step + 1}, the first that differs,"
            found.append(Agreement(f"{what} with {peer}", float(behind), 2 * tolerance))
        return found

    return compare


def both(*comparisons):
    return lambda answers: [found for compare in comparisons for found in compare(answers)]


def loss_curves(line, answers):
    """Training goes on while it is timed: losses of all samples, where the line says how far they may part."""
    if line.loss_tolerance is None:
        return []
    ours = [answer["loss"] for answer in answers[line.ours]]
    return [Agreement(f"losses with {peer}", error(ours, [answer["loss"] for answer in answers[peer]]), tolerance)
            for peer, tolerance in line.loss_tolerance.items()]
