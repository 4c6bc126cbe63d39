"""The finding in sentences, computed from the cells: what each shows, and what could not be shown.

Cells are said to differ only where their noise is known, and a test over all of them bears it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from bench.records import BATCHES_FOR_WORDS, REPEATS_FOR_WORDS, QualityCell, Result
from reports import words
from reports.capacity import capacity_sentences
from reports.partitions import partitions_told
from reports.repeats import noise_sentence
from reports.tables import HEADLINE_DEADLINE, cells_table, quality_table, triggers_of


@dataclass(frozen=True)
class Verdict:
    """The badge of a run: a word, how it is coloured (good, doubt, bad), and the counts behind it."""

    word: str
    tone: str
    counts: str


@dataclass(frozen=True)
class Finding:
    """``sentence`` is the headline, ``more`` further facts, ``limits`` what could not be shown."""

    sentence: str
    more: list[str]
    limits: list[str]


def verdict(result: Result) -> Verdict:
    """``VALID  6 of 6 cells valid``, or what else came of it."""
    counted = {
        name: sum(cell.verdict == name for cell in result.cells) for name in ("valid", "inconclusive", "invalid")
    }
    parts = [f"{counted['valid']} of {words.plural(len(result.cells), 'cell')} valid"]
    parts += [f"{counted[name]} {name}" for name in ("invalid", "inconclusive") if counted[name]]
    if result.failed_checks:
        checks = words.plural(len(result.thresholds), "check")
        parts.append(f"{result.failed_checks} of {checks} of thresholds failed")
    counts = ", ".join(parts)
    if not counted["valid"]:
        return Verdict("NO VALID CELL", "bad", counts)
    if result.failed_checks:
        return Verdict("THRESHOLD FAILED", "bad", counts)
    if result.run.status != "complete" or counted["valid"] < len(result.cells):
        return Verdict("PARTLY VALID", "doubt", counts)
    return Verdict("VALID", "good", counts)


def finding(result: Result) -> Finding:
    """What the valid cells of ``result`` show, each for itself."""
    cells = cells_table(result)
    valid = cells.filter(verdict="valid")
    limits = _limits(result, cells)
    if valid.is_empty():
        return Finding("No cell is valid, so nothing can be said about latency.", [], limits)
    # The quality cell has enough events, and other weather as well: where there is one, the headline is its.
    judged = _quality_cell_sentence(result.quality_cell) or _quality_sentence(valid)
    more = [_fidelity_sentence(valid), *judged]
    found = capacity_sentences(result)
    if found:
        # At rates of their own, latencies stand in no sentence beside each other.
        return Finding(found[0], [*found[1:], *more], limits)
    told = [*_ratio_sentences(result, valid), *_partition_sentences(result), *more]
    return Finding(_latency_sentence(result, valid), told, limits)


def _partition_sentences(result: Result) -> list[str]:
    """What difference the number of partitions makes, if there are several: shown, or that it could not be."""
    told = partitions_told(result)
    if told is None:
        return []
    if not told.differences:
        return [told.none_shown]
    return [f"Of partition counts could be shown: {'; '.join(told.differences)}."]


def _ratio_sentences(result: Result, valid: pl.DataFrame) -> list[str]:
    """Real-time mode beside each point of another profile or engine: ratios of their percentiles."""
    first = valid["variant"][0]
    sentences = []
    for (variant, trigger, partitions), theirs in valid.filter(pl.col("variant") != first).group_by(
        "variant", "trigger", "partitions", maintain_order=True
    ):
        ours = valid.filter(pl.col("trigger").str.starts_with("realtime"), variant=first, partitions=partitions)
        ratios = [
            f"{words.number(high / low)} times its {name}"
            for name in ("p50", "p99")
            if isinstance(low := ours[f"{name}_ms"].median(), float)
            and isinstance(high := theirs[f"{name}_ms"].median(), float)
        ]
        if ratios:
            where = words.plural(int(str(partitions)), "partition")
            behind = _batches_behind(result, theirs["cell"].to_list())
            sentences.append(
                f"Beside real-time mode ({first}, {where}), {words.trigger(str(trigger))} ({variant}) had "
                f"{words.joined(ratios)}{behind}."
            )
    return sentences


def _batches_behind(result: Result, cells: list[str]) -> str:
    """How few micro-batches the percentiles of ``cells`` rest on, if they are few."""
    batches = sum(cell.batches or 0 for cell in result.cells if cell.id in cells)
    return f" (over {words.plural(batches, 'batch', 'batches')})" if 0 < batches < BATCHES_FOR_WORDS else ""


def _latency_sentence(result: Result, valid: pl.DataFrame) -> str:
    """One clause a trigger, at its smallest valid number of partitions."""
    first = valid["variant"][0]
    clauses: list[str] = []
    told_partitions: int | None = None
    for trigger in triggers_of(result):
        here = valid.filter(trigger=trigger, variant=first)
        if here.is_empty():
            continue
        partitions = min(here["partitions"].to_list())
        point = here.filter(partitions=partitions)
        where = f"{words.plural(partitions, 'partition')}" if partitions != told_partitions else ""
        clauses.append(_clause(words.trigger(trigger), where, point, first=not clauses))
        told_partitions = partitions
    sentence = "; ".join(clauses)
    return sentence[0].upper() + sentence[1:] + "."


def _clause(name: str, where: str, point: pl.DataFrame, *, first: bool) -> str:
    p50, p99 = point["p50_ms"].median(), point["p99_ms"].median()
    notes = [where] if where else []
    notes += [f"median of {len(point)} repeats"] if len(point) > 1 else []
    at = _with_note(name, notes)
    if not isinstance(p50, float):
        return f"{at} has too few alerts for a percentile"
    half, most = words.ms(p50), words.ms(p99) if isinstance(p99, float) else None
    if first:
        text = f"{at} shows half of the alerts within {half} of the instant their reading was due"
        return text + (f", and 99 % within {most}" if most else "; for the 99th percentile there are too few alerts")
    needs = f"{at} needs {half} and {most}" if most else f"{at} needs {half} for half of them"
    in_time = point[f"recall_{HEADLINE_DEADLINE}s"].median()
    if not isinstance(in_time, float) or in_time == 1.0:
        return needs
    return f"{needs}, and misses {words.share(1 - in_time)} of alerts at a {HEADLINE_DEADLINE} s deadline"


def _with_note(name: str, notes: list[str]) -> str:
    if not notes:
        return name
    return f"{name[:-1]}, {', '.join(notes)})" if name.endswith(")") else f"{name} ({', '.join(notes)})"


def _fidelity_sentence(valid: pl.DataFrame) -> str:
    expected = sorted(valid["expected"].to_list())
    counts = " to ".join(words.count(count) for count in dict.fromkeys((expected[0], expected[-1])))
    wrong = {name: int(valid[name].sum()) for name in ("missing", "extra", "duplicated")}
    if not any(wrong.values()):
        return f"The engine was exact in every valid cell: of {counts} alerts none missing, extra or doubled."
    told = words.joined([f"{count:,} {name}" for name, count in wrong.items() if count])
    return f"The engine was not exact: {told} in the valid cells, of {counts} alerts each."


def _quality_sentence(valid: pl.DataFrame) -> list[str]:
    known = valid.drop_nulls(["precision", "recall"])
    if known.is_empty():
        return []
    kinds = known.select(pl.col("^(precision|recall)(_low|_high)?$")).unique()
    if len(kinds) > 1:
        return ["Precision and recall of the rules are not the same in all valid cells: see the matrix."]
    return [f"Against the true weather the rules have {_shares(known.row(0, named=True))}."]


def _shares(row: dict[str, Any]) -> str:
    """Precision and recall with their intervals, from columns as in `cells_table`."""
    return words.joined(
        [
            f"{name} {words.share(row[name])} (95 % interval {words.interval(row[f'{name}_low'], row[f'{name}_high'])})"
            for name in ("precision", "recall")
        ]
    )


def _quality_cell_sentence(cell: QualityCell) -> list[str]:
    if cell.quality is None:
        return []
    row = quality_table(cell.quality).row(-1, named=True)
    events = row["tp"] + row["fn"]
    if not events:
        return ["In the quality cell no rule had an event to find."]
    if row["precision"] is None:
        return [f"In the quality cell none of {words.plural(events, 'event')} was alerted."]
    over = f"over the {words.plural(events, 'event')} of the quality cell"
    return [f"Against the true weather, {over}, the rules have {_shares(row)}."]


def short_sentence(cell: QualityCell) -> str:
    """Which rules had fewer events in the quality cell than they should; empty if none."""
    if not cell.short:
        return ""
    found = words.joined([f"{rule} {events:,}" for rule, events in cell.short.items()])
    return f"Too few of the {cell.wanted_events or 0:,} events that a rule should have to be judged by: {found}."


def _limits(result: Result, cells: pl.DataFrame) -> list[str]:
    limits = []
    if result.run.status == "partial":
        limits.append("Partial: the run was interrupted before all its cells had ended.")
    if result.run.status == "running":
        limits.append("Not complete: the run was going on, or was killed, when this was written.")
    doubtful = cells.filter(pl.col("verdict") != "valid")
    if len(doubtful):
        are = "is" if len(doubtful) == 1 else "are"
        limits.append(f"{words.plural(len(doubtful), 'cell')} {are} not valid and left out of every sentence here.")
    if short := short_sentence(result.quality_cell):
        limits.append(short)
    repeats = cells["repeat"].max()
    if len(cells) > 1 and (not isinstance(repeats, int) or repeats < REPEATS_FOR_WORDS):
        many = words.plural(repeats if isinstance(repeats, int) else 0, "repeat")
        if result.calibration.noise is None:
            limits.append(f"Noise unknown ({many}, no stored noise): no difference between cells is put into words.")
        else:
            limits.append(noise_sentence(result))
    return limits
