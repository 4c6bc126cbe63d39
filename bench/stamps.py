"""Joins the stamps of every alert that had to come: due, sent, appended, picked, alert appended, seen.

Everything is read from files and topics after the cell has ended. Broker stamps are whole
milliseconds, truncated: the middle of their millisecond is used (±0.5 ms).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl
import pyarrow as pa

from bench.judge import Judge
from bench.progress import Batch, picked_ns
from wire.reading import MILLISECONDS_FROM
from wire.topics import PROBE_SENSOR_ID

#: The neighbouring stamps whose differences add up to the end-to-end time, as (stage, from, to).
STAGES_MICRO_BATCH = (
    ("due_to_sent", "due_ns", "sent_ns"),
    ("sent_to_appended", "sent_ns", "appended_ns"),
    ("appended_to_picked", "appended_ns", "picked_ns"),
    ("picked_to_alert_appended", "picked_ns", "alert_appended_ns"),
    ("alert_appended_to_seen", "alert_appended_ns", "seen_ns"),
)
STAGES_REALTIME = (
    *STAGES_MICRO_BATCH[:2],
    ("appended_to_alert_appended", "appended_ns", "alert_appended_ns"),
    STAGES_MICRO_BATCH[-1],
)
#: The differences between stamps taken outside the pipeline: none may be negative.
OUTSIDE = (
    ("due_ns", "sent_ns"),
    ("sent_ns", "appended_ns"),
    ("appended_ns", "alert_appended_ns"),
    ("alert_appended_ns", "seen_ns"),
)

#: So many records are Python objects at a time: each takes three times the room of a row.
SLICE = 500_000

_MS = 1_000_000
_HALF_MS = 500_000


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> list[str] | None:
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _integer(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and abs(value) < 2**63 else None


#: A column for each field of an alert that is looked at, and what takes its value from any JSON: None if it has none.
_ALERT_FIELDS: dict[str, tuple[pl.DataType, Callable[[object], object]]] = {
    "alert_id": (pl.String(), _text),
    "sensor_id": (pl.Int64(), _integer),
    "seq": (pl.Int64(), _integer),
    "timestamp": (pl.Float64(), _number),
    "alert": (pl.String(), _text),
    "rule": (pl.String(), _text),
    "fired": (pl.List(pl.String), _texts),
}


def slices(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """``rows`` in parts of at most `SLICE`; one empty part if there are none."""
    return [rows.slice(begin, SLICE) for begin in range(0, max(1, rows.height), SLICE)]


def judged_source(source: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    """What each record of the source topic must become, by the reference evaluator.

    ``source``: partition, offset, appended_ms, value. Adds the columns of `bench.judge.SCHEMA` and
    ``occurrence`` (0 for the first copy of a reading). The bench's own probes are left out.
    """
    parts = [
        part.select("partition", "offset", "appended_ms").hstack(judge(part["value"].to_list()))
        for part in slices(source)
    ]
    return with_occurrence(
        pl.concat(parts).filter(pl.col("sensor_id").ne_missing(PROBE_SENSOR_ID)).sort("partition", "offset")
    )


def with_occurrence(readings: pl.DataFrame) -> pl.DataFrame:
    """``readings`` with ``occurrence``: how many rows before it are copies of the same sensor_id and seq."""
    at = pl.int_range(pl.len())
    first = pl.any_horizontal(pl.col("sensor_id", "seq").ne_missing(pl.col("sensor_id", "seq").shift())) | (at == 0)
    # What `over` says as well, in a fraction of the time: sorted, copies follow each other.
    counted = (
        readings.select("sensor_id", "seq", row=at)
        .sort("sensor_id", "seq", maintain_order=True)
        .with_columns(occurrence=at - pl.when(first).then(at).forward_fill())
        .sort("row")
    )
    return readings.with_columns(counted["occurrence"])


def parsed_alerts(messages: pl.DataFrame) -> pl.DataFrame:
    """The alerts among collected ``messages``, parsed; those of the bench's probes are left out.

    A message that is no JSON object, lacks a field, or has another type there, has nulls: it will count as extra.
    """
    parts = [_parsed(part) for part in slices(messages)]
    return pl.concat(parts).filter(pl.col("sensor_id").ne_missing(PROBE_SENSOR_ID))


def _parsed(messages: pl.DataFrame) -> pl.DataFrame:
    found = []
    for value in messages["value"].to_list():
        try:
            alert = orjson.loads(value or b"")
        except orjson.JSONDecodeError:
            alert = None
        found.append(alert if isinstance(alert, dict) else {})
    # By way of Arrow: Polars takes ten times as long for a column of lists.
    schema = pl.DataFrame(schema={name: kind for name, (kind, _) in _ALERT_FIELDS.items()}).to_arrow().schema
    columns = [
        pa.array([take(alert.get(field.name)) for alert in found], field.type)
        for field, (_, take) in zip(schema, _ALERT_FIELDS.values(), strict=True)
    ]
    parsed = pl.DataFrame(pa.table(columns, schema=schema))
    return messages.select("offset", "appended_ms", "seen_ns").hstack(parsed)


def named_alerts(alerts: pl.DataFrame, judged: pl.DataFrame, labels: Mapping[str, str]) -> pl.DataFrame:
    """``alerts`` (`parsed_alerts`); those without ``alert_id`` get that of the expected alert which they are.

    Known again by sensor, event time to the microsecond, and label: a pipeline need not send more than an
    alert's eight columns. ``judged``: `judged_source`; ``labels``: label -> id of its rule. An alert that is none
    of the expected keeps its null, and will count as extra.
    """
    if not alerts["alert_id"].null_count():
        return alerts
    sent = alerts["timestamp"].to_numpy()
    event_us = np.rint(np.where(sent >= MILLISECONDS_FROM, sent / 1000.0, sent) * 1e6)
    known = (
        judged.filter(pl.col("alert_id").is_not_null())
        .unique(["sensor_id", "event_us", "rule"], keep="first")
        .select("sensor_id", "event_us", "rule", found="alert_id", found_seq="seq")
    )
    said = pl.col("alert").replace_strict(labels, default=None, return_dtype=pl.String)
    return (
        alerts.with_columns(event_us=pl.Series(event_us).fill_nan(None).cast(pl.Int64, strict=False))
        .with_columns(rule=pl.coalesce("rule", said))
        .join(known, on=["sensor_id", "event_us", "rule"], how="left", maintain_order="left")
        .with_columns(
            alert_id=pl.coalesce("alert_id", "found"),
            seq=pl.coalesce("seq", "found_seq"),
            fired=pl.coalesce("fired", pl.concat_list("rule")),
        )
        .select(alerts.columns)
    )


def deliveries_frame(log: npt.NDArray[np.void]) -> pl.DataFrame:
    """The publisher's log as columns, with the same ``occurrence`` as in `judged_source`."""
    names = ("sensor_id", "seq", "due_ns", "sent_ns")
    columns = pl.DataFrame({name: log[name].astype(np.int64) for name in names})
    if not log["copy"].any():
        # Nothing was sent twice, as in most scenarios: no need to sort millions of rows to learn it.
        return columns.with_columns(occurrence=pl.lit(0, pl.Int64))
    return with_occurrence(columns)


def join_stamps(
    judged: pl.DataFrame,
    deliveries: pl.DataFrame,
    alerts: pl.DataFrame,
    batches: list[Batch],
    beacons: Iterable[int],
) -> pl.DataFrame:
    """One row for each expected alert, in the order in which they were due.

    Columns: alert_id, sensor_id, seq, event_us, rule, fired, beacon, partition, offset, copies (of
    the reading in the source), and the stamps in wall ns: due_ns, sent_ns, appended_ns, picked_ns
    (null in real-time mode), alert_appended_ns and seen_ns (null where the alert is missing).
    """
    required = judged.filter(pl.col("alert_id").is_not_null())
    copies = required.group_by("alert_id").agg(copies=pl.len())
    first_seen = (
        alerts.filter(pl.col("alert_id").is_not_null())
        .sort("seen_ns", "offset")
        .unique("alert_id", keep="first", maintain_order=True)
        .select("alert_id", "seen_ns", alert_appended_ns=pl.col("appended_ms") * _MS + _HALF_MS)
    )
    joined = (
        required.filter(pl.col("occurrence") == 0)
        .join(deliveries, on=["sensor_id", "seq", "occurrence"], how="left")
        .join(copies, on="alert_id", how="left")
        .join(first_seen, on="alert_id", how="left")
        .with_columns(
            appended_ns=pl.col("appended_ms") * _MS + _HALF_MS,
            beacon=pl.col("sensor_id").is_in(list(beacons)),
        )
        .sort("due_ns", "alert_id")
    )
    picked = picked_ns(
        batches,
        joined["partition"].to_numpy().astype(np.int32),
        joined["offset"].to_numpy().astype(np.int64),
    )
    # A batch may fix its offsets a moment before the broker's stamp of a reading in it.
    after = pl.Series(np.where(picked < 0, picked, np.maximum(picked, joined["appended_ns"].fill_null(0).to_numpy())))
    return joined.with_columns(picked_ns=pl.when(after >= 0).then(after)).select(
        "alert_id",
        "sensor_id",
        "seq",
        "event_us",
        "rule",
        "fired",
        "beacon",
        "partition",
        "offset",
        "copies",
        "due_ns",
        "sent_ns",
        "appended_ns",
        "picked_ns",
        "alert_appended_ns",
        "seen_ns",
    )


def latency_ms(stamps: pl.DataFrame, start: str, end: str) -> npt.NDArray[np.float64]:
    """``end - start`` in ms for each row (n,); ``inf`` where the alert never came."""
    difference = (stamps[end] - stamps[start]).cast(pl.Float64) / _MS
    return difference.fill_null(np.inf).to_numpy()


def budget(stamps: pl.DataFrame, stages: Sequence[tuple[str, str, str]]) -> dict[str, float | None]:
    """Mean ms of each stage, over the alerts for which every stamp is known."""
    known = stamps.drop_nulls([column for _, start, end in stages for column in (start, end)])
    if known.is_empty():
        return {name: None for name, _, _ in stages}
    means = known.select(((pl.col(end) - pl.col(start)).mean() / _MS).alias(name) for name, start, end in stages)
    return {name: round(value, 4) for name, value in means.row(0, named=True).items()}


def negative_share(stamps: pl.DataFrame, *, below_ms: float = -1.0) -> tuple[int, float]:
    """Count and share of rows in which any outside stage is shorter than ``below_ms``."""
    known = stamps.drop_nulls("seen_ns")
    if known.is_empty():
        return 0, 0.0
    negative = known.select(
        pl.any_horizontal((pl.col(end) - pl.col(start)) < below_ms * _MS for start, end in OUTSIDE).sum()
    ).item()
    return int(negative), negative / len(known)
