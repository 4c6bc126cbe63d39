"""The map of the field: three pictures of the same square, with weather, rain and faults."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports import style
from reports.field_map import FieldMap

#: Points shrink before so many sensors run together.
_MANY = 300


@dataclass(frozen=True)
class _Picture:
    """One of the maps: the column that it shows, and how; its colours span ``least`` at least."""

    column: str
    title: str
    label: str
    least: float
    colours: str


_PICTURES = (
    _Picture("temperature_c", "true temperature at {at_h:g} h", "°C", 5.0, "viridis"),
    _Picture("most_rain_mm", "most rain in an hour", "mm", 5.0, "Blues"),
    _Picture("faults", "injected faults", "faults of the sensor", 1.0, "Oranges"),
)


def field_panels(field: FieldMap) -> Figure:
    """Temperature at an instant, the most rain of an hour, injected faults; beacons, which show no weather, are +."""
    weather, beacons = field.sensors.filter(~pl.col("beacon")), field.sensors.filter("beacon")
    size = min(36.0, max(3.0, 36.0 * _MANY / max(1, len(weather))))
    with style.styled():
        figure = style.new_figure(style.WIDTH, 4.6)
        grid = figure.subplots(1, 3, sharex=True, sharey=True)
        for axes, picture in zip(grid, _PICTURES, strict=True):
            axes.set_title(picture.title.format(at_h=field.at_h))
            # What is rare lies on top.
            drawn = weather.sort(picture.column)
            low, high = _limits(drawn[picture.column], picture.least)
            dots = axes.scatter(
                drawn["x_km"],
                drawn["y_km"],
                c=drawn[picture.column],
                s=size,
                cmap=picture.colours,
                vmin=low,
                vmax=high,
                edgecolors=style.MARGINAL,
                linewidths=0.3,
            )
            bar = figure.colorbar(dots, ax=axes, location="bottom", label=picture.label, shrink=0.9)
            bar.outline.set_visible(False)
            bar.ax.xaxis.set_major_locator(MaxNLocator(5, integer=picture.column == "faults"))
            axes.plot(beacons["x_km"], beacons["y_km"], "+", color=style.MUTED, markersize=5)
            _square(axes, field.sensors)
        grid[0].set_ylabel("y, northward (km)")
    return figure


def _limits(values: pl.Series, least: float) -> tuple[float, float]:
    known = values.drop_nulls().to_list() or [0.0]
    return min(known), max(max(known), min(known) + least)


def _square(axes: Axes, sensors: pl.DataFrame) -> None:
    ends = [float(value) for name in ("x_km", "y_km") for value in sensors[name].drop_nulls()] or [0.0, 1.0]
    rim = 0.03 * (max(ends) - min(ends)) or 1.0
    axes.set(xlim=(min(ends) - rim, max(ends) + rim), ylim=(min(ends) - rim, max(ends) + rim), aspect="equal")
    axes.set_xlabel("x, eastward (km)")
