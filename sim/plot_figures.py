"""The pictures of `sim.plot`, drawn from the tables of `sim.plot_tables`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import polars as pl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.transforms import offset_copy

from base.durations import format_duration
from base.figure_style import WIDTH, new_figure, styled
from base.palette import BLACK, BLUE, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE, SKY, VERMILION
from sim.faults import FAULT_BITS
from sim.plot_tables import FieldMap, SensorDays
from wire.reading import CHANNELS

#: Colour and marker of a kind of fault.
Look: TypeAlias = tuple[str, str]
#: A legend's handle and label.
Entry: TypeAlias = tuple[Any, str]

#: Channel -> name, unit, and the least that an axis spans: a flat line shall look flat.
_CHANNEL_AXES: Final = {
    "temperature": ("temperature", "°C", 10.0),
    "humidity": ("humidity", "%", 20.0),
    "rainfall": ("rainfall", "mm in 1 h", 10.0),
    "wind_speed": ("wind gust", "m/s", 5.0),
    "UV_index": ("UV index", "", 2.0),
}

# Blue is what was reported. The lengths have no common divisor: forty kinds get a pair of their own.
_COLOURS: Final = (ORANGE, VERMILION, GREEN, PURPLE, SKY)
_MARKERS: Final = ("v", "s", "D", "P", "^", "p", "<", "X")

#: Heights of the panels in inches: one channel, one kind of event.
_PANEL, _LANE = 1.5, 0.22
#: With more rings than this on a map, their numbers would cover each other.
_MOST_NUMBERS: Final = 12

_TRUE: Final[dict[str, Any]] = {"color": INK, "linewidth": 0.8}
_FAILED: Final[dict[str, Any]] = {
    "marker": "o",
    "markersize": 4,
    "color": PAPER,
    "markeredgecolor": BLACK,
    "markeredgewidth": 0.8,
}
_ABSENT: Final[dict[str, Any]] = {"marker": "x", "markersize": 4, "color": BLACK, "markeredgewidth": 0.9}
_BEACON: Final[dict[str, Any]] = {"marker": "+", "markersize": 6, "color": MUTED}


def looks(kinds: Iterable[str]) -> dict[str, Look]:
    """Colour and marker of each kind of fault: those of the simulator keep theirs, others follow."""
    known = list(FAULT_BITS)
    ordered = known + sorted(set(kinds) - set(known))
    return {
        kind: (_COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)])
        for number, kind in enumerate(ordered)
    }


def sensor_figure(days: SensorDays) -> Figure:
    """A panel a channel: truth (line), readings (points), faults (shaded); events as bands above."""
    lanes = sorted(set(days.events["kind"]))
    look = looks(days.faults["kind"])
    with styled():
        figure = new_figure(WIDTH, 8.6 + _LANE * len(lanes))
        heights = ([_LANE * len(lanes)] if lanes else []) + [_PANEL] * len(CHANNELS)
        grid = list(figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
        panels = grid[-len(CHANNELS) :]
        if lanes:
            _event_lanes(grid[0], days.events, lanes)
        for channel, axes in zip(CHANNELS, panels, strict=True):
            _channel_panel(axes, days, channel, look)
        grid[0].set_title(_sensor_title(days))
        _time_axis(grid[-1], days)
        figure.align_ylabels(panels)
        _legend(figure, [_marks(days), *_kinds(days, look)])
    return figure


def map_figure(found: FieldMap) -> Figure:
    """The sensors where they stand, coloured by the true value; those with an active fault ringed."""
    name, unit, least = _CHANNEL_AXES[found.field]
    weather, beacons = found.sensors.filter(~pl.col("beacon")), found.sensors.filter("beacon")
    look = looks(found.faults["kind"])
    with styled():
        figure = new_figure(8.4, 8.0)
        axes = figure.subplots()
        low, high = _limits(weather["value"], least)
        size = min(60.0, max(6.0, 60.0 * 300 / max(1, len(weather))))
        dots = axes.scatter(
            weather["x_km"], weather["y_km"], c=weather["value"], s=size, cmap="viridis", vmin=low, vmax=high,
            edgecolors=INK, linewidths=0.4,
        )  # fmt: skip
        figure.colorbar(dots, ax=axes, shrink=0.85, label=f"true {name} ({unit})" if unit else f"true {name}")
        _rings(axes, found.faults, look)
        entries: list[Entry] = [
            ((_point(**_ring(look[kind][0])), _point(**_badge(*look[kind]))), f"fault: {_words(kind)}")
            for kind in _present(look, found.faults)
        ]
        if len(beacons):
            axes.plot(beacons["x_km"], beacons["y_km"], linestyle="", **_BEACON)
            entries.append((_point(**_BEACON), "beacon (shows no weather)"))
        rim = 0.02 * found.extent_km
        axes.set(xlim=(-rim, found.extent_km + rim), ylim=(-rim, found.extent_km + rim), aspect="equal")
        axes.set(xlabel="x, eastward (km)", ylabel="y, northward (km)", title=_map_title(found))
        _legend(figure, _in_rows(entries))
    return figure


def _event_lanes(axes: Axes, events: pl.DataFrame, lanes: list[str]) -> None:
    for number, kind in enumerate(lanes):
        for event in events.filter(kind=kind).iter_rows(named=True):
            start, end = _days(event["start_us"]), _days(event["end_us"])
            # See-through, since events of a kind may overlap: the more at once, the darker.
            axes.broken_barh([(start, end - start)], (number - 0.36, 0.72), facecolor=BLUE, alpha=0.3, linewidth=0)
    axes.set_yticks(range(len(lanes)), [_words(kind) for kind in lanes])
    axes.set_ylim(len(lanes) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.tick_params(axis="x", labelbottom=False)


def _channel_panel(axes: Axes, days: SensorDays, channel: str, look: dict[str, Look]) -> None:
    for fault in days.faults.iter_rows(named=True):
        if fault["field"] in (None, channel):
            colour, marker = look[fault["kind"]]
            start, end = _days(fault["start_us"]), _days(fault["end_us"])
            axes.axvspan(start, end, facecolor=colour, alpha=0.28, linewidth=0)
            # A span of minutes is too narrow for a hatch: the marker in its head tells the kind as well.
            axes.plot((start + end) / 2, 0.92, transform=axes.get_xaxis_transform(), **_badge(colour, marker))
    rows, true = days.readings, f"true_{channel}"
    # Points shrink before they run together.
    size = min(3.2, max(1.2, 3.2 * (400 / max(1, len(rows))) ** 0.5))
    axes.plot(_days(rows["event_us"]), rows[channel], "o", color=BLUE, markersize=size, markeredgewidth=0)
    # The truth lies over the points, which would else hide it for as long as they agree.
    axes.plot(_days(rows["true_us"]), rows[true], zorder=2.5, **_TRUE)
    for missing, how in ((pl.col("arrived") & pl.col(channel).is_null(), _FAILED), (~pl.col("arrived"), _ABSENT)):
        here = rows.filter(missing)
        axes.plot(_days(here["true_us"]), here[true], linestyle="", zorder=3, **how)
    name, unit, least = _CHANNEL_AXES[channel]
    axes.set_ylabel(f"{name}\n({unit})" if unit else name)
    low, high = _limits(pl.concat([rows[true], rows[channel]]), least)
    axes.set_ylim(low - 0.08 * (high - low), high + 0.26 * (high - low))


def _rings(axes: Axes, faults: pl.DataFrame, look: dict[str, Look]) -> None:
    """A ring around each sick sensor, the kind's marker on its head, the sensor's number beside it."""
    raised = offset_copy(axes.transData, fig=axes.get_figure(root=True), y=7.5, units="points")
    for kind, x_km, y_km in faults.select("kind", "x_km", "y_km").iter_rows():
        colour, marker = look[kind]
        axes.plot(x_km, y_km, zorder=4, **_ring(colour))
        axes.plot(x_km, y_km, zorder=5, transform=raised, **_badge(colour, marker))
    sick = faults.unique("sensor_id", maintain_order=True)
    if len(sick) > _MOST_NUMBERS:
        return
    for number, x_km, y_km in sick.select("sensor_id", "x_km", "y_km").iter_rows():
        axes.annotate(
            str(number), (x_km, y_km), (9, 0), textcoords="offset points", va="center", fontweight="bold", zorder=6,
            path_effects=[withStroke(linewidth=3, foreground=PAPER)],
        )  # fmt: skip


def _ring(colour: str) -> dict[str, Any]:
    return {"marker": "o", "markersize": 13, "color": "none", "markeredgecolor": colour, "markeredgewidth": 2}


def _badge(colour: str, marker: str) -> dict[str, Any]:
    """The marker of a kind of fault; its white rim parts it from what it lies on."""
    return {"marker": marker, "markersize": 6.5, "color": colour, "markeredgecolor": PAPER, "markeredgewidth": 0.5}


def _legend(figure: Figure, rows: list[list[Entry]]) -> None:
    """A legend below the panels, row by row: Matplotlib alone would fill it by columns."""
    rows = [row for row in rows if row]
    columns = max((len(row) for row in rows), default=0)
    nothing: Entry = (Line2D([], [], linestyle=""), "")
    padded = [row + [nothing] * (columns - len(row)) for row in rows]
    entries = [row[column] for column in range(columns) for row in padded]
    if entries:
        figure.legend(
            handles=[handle for handle, _ in entries], labels=[label for _, label in entries], ncols=columns,
            handler_map={tuple: HandlerTuple(ndivide=1)}, loc="outside lower left",
        )  # fmt: skip


def _marks(days: SensorDays) -> list[Entry]:
    """What is drawn for each reading, as far as the picture holds it."""
    entries: list[Entry] = [
        (Line2D([], [], **_TRUE), "true value"),
        (_point(marker="o", color=BLUE, markersize=3.2), "reading"),
    ]
    if any(days.readings.filter("arrived")[channel].null_count() for channel in CHANNELS):
        entries.append((_point(**_FAILED), "field missing from the reading"))
    if not days.readings["arrived"].all():
        entries.append((_point(**_ABSENT), "reading never arrived"))
    return entries


def _kinds(days: SensorDays, look: dict[str, Look]) -> list[list[Entry]]:
    """The kinds of fault that the picture holds, with how many episodes, in rows."""
    entries: list[Entry] = []
    for kind in _present(look, days.faults):
        colour, marker = look[kind]
        handle = (Patch(facecolor=colour, alpha=0.28), _point(**_badge(colour, marker)))
        entries.append((handle, f"fault: {_words(kind)} ({(days.faults['kind'] == kind).sum()})"))
    return _in_rows(entries)


def _in_rows(entries: list[Entry], longest: int = 4) -> list[list[Entry]]:
    return [entries[at : at + longest] for at in range(0, len(entries), longest)]


def _point(**how: Any) -> Line2D:
    return Line2D([], [], linestyle="", **how)


def _present(look: dict[str, Look], faults: pl.DataFrame) -> list[str]:
    return [kind for kind in look if (faults["kind"] == kind).any()]


def _sensor_title(days: SensorDays) -> str:
    episodes, absent = len(days.faults), int((~days.readings["arrived"]).sum())
    faults = f"{episodes or 'no'} fault episode{'' if episodes == 1 else 's'}"
    span = format_duration((days.end_us - days.start_us) / 1e6)
    never = f"{absent} of {len(days.readings)} readings never arrived" if absent else f"{len(days.readings)} readings"
    return f"Sensor {days.sensor_id} over {span} from {_instant(days.start_us):%-d %B %Y}: {faults}, {never}"


def _map_title(found: FieldMap) -> str:
    name, unit, _ = _CHANNEL_AXES[found.field]
    values = found.sensors.filter(~pl.col("beacon"))["value"].to_list()
    span = f"{min(values):.1f} to {max(values):.1f} {unit}".rstrip() if values else "beacons only"
    faulty = found.faults["sensor_id"].n_unique()
    around = "".join(f"; {_words(kind)} under way" for kind in found.events)
    return (
        f"True {name} at {_instant(found.at_us):%H:%M} UTC on {_instant(found.at_us):%-d %B %Y}: {span}\n"
        f"{faulty or 'none'} of {len(found.sensors)} sensors faulty{around}"
    )


def _time_axis(axes: Axes, days: SensorDays) -> None:
    axes.set_xlim(_days(days.start_us), _days(days.end_us))
    locator = AutoDateLocator(tz=UTC, minticks=5, maxticks=13)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator,
            tz=UTC,
            formats=["%Y", "%b", "%-d %b", "%H:%M", "%H:%M", "%H:%M:%S"],
            zero_formats=["", "%Y", "%-d %b", "%-d %b", "%H:%M", "%H:%M"],
            show_offset=False,
        )
    )
    axes.set_xlabel("event time (UTC)")


def _limits(values: pl.Series, least: float) -> tuple[float, float]:
    """Limits that hold the values and span ``least`` at least."""
    known = values.drop_nulls().to_list() or [0.0]
    low, high = min(known), max(known)
    return low, max(high, low + least)


def _instant(epoch_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=epoch_us)


def _days(epoch_us: Any) -> Any:
    """Matplotlib's dates, days since 1970; of one number or a series of them."""
    return epoch_us / 86_400e6


def _words(kind: str) -> str:
    return kind.replace("_", " ")
