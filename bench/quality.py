"""Are the rules right? Alerts against the hazards that the simulator knows to be true.

A *hazard* is a run of consecutive readings of one sensor on which the rule in use holds for the true
weather. It is *found* if any alert inside it carries the rule among its ``fired`` ids. A run of
consecutive alerted readings that touches no hazard is one false alarm. Hazards that the sensor's
noise alone decides about are *marginal*: shown apart, neither found nor missed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from bench.records import Interval, Quality, Score
from pipeline.rules import AlertRule

#: A crossing by less than this many sigma of the sensor's noise, or of fewer readings, is marginal.
MARGINAL_SIGMA = 2.0
MARGINAL_READINGS = 2

_COMPARE = {
    ">": lambda value, threshold: value - threshold,
    ">=": lambda value, threshold: value - threshold,
    "<": lambda value, threshold: threshold - value,
    "<=": lambda value, threshold: threshold - value,
}


def wilson(successes: int, trials: int) -> Interval | None:
    """The 95 % Wilson score interval of a share (Wilson 1927, JASA 22); None without trials."""
    if trials == 0:
        return None
    from scipy import stats  # half a second to import: not before it is wanted

    found = stats.binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    return Interval(low=round(float(found.low), 5), high=round(float(found.high), 5))


def score(tp: int, fp: int, fn: int, **more: int | dict[str, float | None]) -> Score:
    """Precision and recall with their intervals; a share of nothing is None."""
    return Score(
        tp=tp,
        fp=fp,
        fn=fn,
        precision=round(tp / (tp + fp), 5) if tp + fp else None,
        recall=round(tp / (tp + fn), 5) if tp + fn else None,
        intervals={"precision": wilson(tp, tp + fp), "recall": wilson(tp, tp + fn)},
        **more,
    )


def runs(readings: pl.DataFrame, holds: pl.Expr) -> pl.DataFrame:
    """Number the runs of readings on which ``holds`` is true: column ``run``, null elsewhere.

    ``readings``: one row a reading; consecutive means consecutive ``seq`` of one ``sensor_id``.
    """
    return (
        readings.sort("sensor_id", "seq")
        .with_columns(_holds=holds)
        .with_columns(
            _starts=pl.col("_holds")
            & ~(
                pl.col("_holds").shift(1, fill_value=False)
                & (pl.col("sensor_id") == pl.col("sensor_id").shift(1))
                & (pl.col("seq") == pl.col("seq").shift(1) + 1)
            ).fill_null(value=False)
        )
        .with_columns(run=pl.when("_holds").then(pl.col("_starts").cum_sum()))
        .drop("_holds", "_starts")
    )


def rule_score(
    truth: pl.DataFrame, alerts: pl.DataFrame, rule: AlertRule, *, noise_sigma: float, interval_s: float
) -> Score:
    """One rule against its hazards.

    ``truth``: sensor_id, seq, event_us, true_<channel>, fault_mask, of the readings to be scored.
    ``alerts``: sensor_id, seq, rule, fired, each alert once. ``noise_sigma``: of the rule's channel.
    """
    margin = _COMPARE[rule.comparison](pl.col(f"true_{rule.field}"), rule.threshold)
    holds = margin >= 0 if rule.comparison.endswith("=") else margin > 0
    fired = alerts.filter(pl.col("fired").list.contains(rule.id)).select(
        "sensor_id", "seq", alerted=pl.lit(value=True), named=pl.col("rule") == rule.id
    )
    rows = (
        runs(truth.with_columns(_margin=margin), holds)
        .rename({"run": "hazard"})
        .join(fired, on=["sensor_id", "seq"], how="left")
        .with_columns(pl.col("alerted", "named").fill_null(value=False))
    )
    hazards = (
        rows.filter(pl.col("hazard").is_not_null())
        .group_by("hazard")
        .agg(
            readings=pl.len(),
            peak=pl.col("_margin").max(),
            start_us=pl.col("event_us").min(),
            first_us=pl.col("event_us").filter("alerted").min(),
            found=pl.col("alerted").any(),
            masked=pl.col("alerted").any() & ~pl.col("named").any(),
        )
        .with_columns(
            marginal=(pl.col("readings") < MARGINAL_READINGS) | (pl.col("peak") < MARGINAL_SIGMA * noise_sigma)
        )
    )
    alarms = (
        runs(rows, pl.col("alerted"))
        .filter(pl.col("run").is_not_null())
        .group_by("run")
        .agg(touches=pl.col("hazard").is_not_null().any(), faulty=(pl.col("fault_mask") != 0).any())
        .filter(~pl.col("touches"))
    )
    scored = hazards.filter(~pl.col("marginal"))
    found = scored.filter("found")
    delays_s = (found["first_us"] - found["start_us"]).cast(pl.Float64) / 1e6
    median_s = delays_s.median()
    return score(
        len(found),
        alarms.filter(~pl.col("faulty")).height,
        len(scored) - len(found),
        marginal=int(hazards["marginal"].sum()),
        masked=int(found["masked"].sum()),
        ignored=alarms.filter("faulty").height,
        delay={
            "median_event_s": median_s if isinstance(median_s, float) else None,
            "median_readings": median_s / interval_s if isinstance(median_s, float) else None,
        },
    )


def quality(
    truth: pl.DataFrame,
    alerts: pl.DataFrame,
    rules: Sequence[AlertRule],
    *,
    noise_sigma: Mapping[str, float],
    interval_s: float,
) -> Quality:
    """Every rule, and all of them pooled (counts added; beacons must have been left out of ``truth``)."""
    unique = alerts.drop_nulls(["sensor_id", "seq", "fired"]).unique(["sensor_id", "seq"], keep="first")
    by_rule = {
        rule.id: rule_score(truth, unique, rule, noise_sigma=noise_sigma[rule.field], interval_s=interval_s)
        for rule in rules
    }
    counts = {
        name: sum(getattr(one, name) for one in by_rule.values())
        for name in ("tp", "fp", "fn", "marginal", "masked", "ignored")
    }
    delays = [one.delay["median_event_s"] for one in by_rule.values()]
    known = [value for value in delays if value is not None and math.isfinite(value)]
    pooled = score(
        counts["tp"],
        counts["fp"],
        counts["fn"],
        marginal=counts["marginal"],
        masked=counts["masked"],
        ignored=counts["ignored"],
    )
    return Quality(
        all=pooled,
        by_rule=by_rule,
        by_fault={},
        reasons={
            "by_fault": "the pipeline ran threshold rules only: no fault detector to score",
            **({} if known else {"delay": "no hazard was found"}),
        },
    )
