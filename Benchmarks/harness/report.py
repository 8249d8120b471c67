"""The table as Markdown, and everything behind it as JSON."""

import json

from .places import REPOSITORY

DOCUMENT = REPOSITORY / "Docs" / "Performance.md"
NUMBERS = REPOSITORY / "Docs" / "performance.json"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def seconds(value):
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e6:.0f} µs"


def measured(race, spread):
    """`427 tokens/s ± 3`: the rate, and half of what lies between the quartiles."""
    if race.measures == "instructions":
        return f"{spread.median / 1e6:.2f} million"
    if race.measures == "memory":
        return f"{spread.median / 2**20:.0f} MiB"
    if race.measures == "start" or race.unit[1] == 1:
        return f"{seconds(spread.median)} ± {seconds((spread.high - spread.low) / 2)}"
    name, count = race.unit
    low, middle, high = (count / value for value in (spread.high, spread.median, spread.low))
    return f"{middle:.4g} {name}/s ± {(high - low) / 2:.2g}"


def share(result, limits):
    """The rate of our side's work, and its share of the limit."""
    work = result.line.work
    if not work.operations and not work.bytes:
        return "–"
    amount, unit = (work.bytes, "GB/s") if work.limit == "memory" else (work.operations, "GFLOP/s")
    rate = amount / result.ours.median
    return f"{rate / 1e9:.0f} {unit}, {100 * rate / limits.of(work.limit):.0f} %"


def cells(result, limits):
    line, race = result.line, result.race
    first, *others = line.peers
    ratio = result.ratio(first)
    theirs = f"{first} {measured(race, result.spread(first))}"
    for other in others:
        theirs += f"; {other} {measured(race, result.spread(other))} ({line.goal.text(result.ratio(other).median)})"
    interval = f"{line.goal.text(ratio.low)} to {line.goal.text(ratio.high)}"
    mark = {True: "yes", False: "**no**", None: ""}[line.goal.reached(ratio.median)]
    if mark == "yes" and not (line.goal.reached(ratio.low) and line.goal.reached(ratio.high)):
        mark = "not shown"
    return [f"`{line.name}` {line.title}", measured(race, result.ours), theirs,
            f"**{line.goal.text(ratio.median)}** ({interval})", line.goal.wanted, mark, share(result, limits)]


HEADINGS = ["row", "ours", "peer", "ratio (95 % interval)", "wanted", "reached", "rate, share of the limit"]


def table(results, limits):
    lines = [HEADINGS, ["---"] * len(HEADINGS)] + [cells(result, limits) for result in results]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def text(results, limits, machine, failures, when):
    peers = ", ".join(f"{name} {version}" for name, version in machine["peers"].items())
    lines = [
        f"{when}. {machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads "
        f"({', '.join(machine['instructions'])}), {machine['memory_gib']} GiB, {machine['system']}; {peers}.",
        "",
        f"Limits measured in the same run: sgemm {limits.sgemm / 1e9:.0f} GFLOP/s, bf16 dot products "
        f"{limits.bf16 / 1e9:.0f} GFLOP/s, memory {limits.memory / 1e9:.1f} GB/s.",
        "", table(results, limits)]
    if failures:
        lines += ["", "Not measured:", ""] + [f"- `{name}`: {problem}" for name, problem in failures.items()]
    return "\n".join(lines)


def write_document(section):
    document = DOCUMENT.read_text(encoding="utf-8")
    before, rest = document.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{section}\n\n{END}{after}", encoding="utf-8")


def copy_plots(folder):
    """Plots that rows have drawn."""
    for plot in sorted(folder.glob("*.svg")):
        (DOCUMENT.parent / plot.name).write_bytes(plot.read_bytes())


def numbers(results, limits, machine, failures, when):
    """Everything that was measured."""
    return {
        "when": when, "machine": machine,
        "limits": {"sgemm_flops": limits.sgemm, "bf16_flops": limits.bf16, "memory_bytes_per_second": limits.memory},
        "rows": [as_json(result) for result in results], "failures": failures,
    }


def as_json(result):
    line, race = result.line, result.race
    ratios = {peer: result.ratio(peer) for peer in line.peers}
    return {
        "name": line.name, "title": line.title, "measures": race.measures, "unit": race.unit[0], "units": race.unit[1],
        "ours": line.ours, "goal": {"kind": line.goal.kind, "value": line.goal.value},
        "reached": line.goal.reached(ratios[line.peers[0]].median),
        "ratios": {name: {"ratio": found.median, "low": found.low, "high": found.high}
                   for name, found in ratios.items()},
        "operations": line.work.operations, "bytes": line.work.bytes,
        "samples": {name: result.samples[name] for name in [line.ours, *line.peers]},
        "agreement": [{"what": found.what, "error": found.error, "tolerance": found.tolerance}
                      for found in result.agreements],
        "note": line.note,
    }


def write_numbers(found):
    NUMBERS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
