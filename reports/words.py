"""Numbers as people read them. Nothing here decides anything; a number that is not there is ``–``."""

from __future__ import annotations

from datetime import datetime

from bench.records import Params

#: Stands for every number that could not be had; its reason goes beside it.
NOTHING = "–"


def ms(value: float | None) -> str:
    """Milliseconds: ``3.2 ms``, ``812 ms``, ``1.34 s``."""
    if value is None:
        return NOTHING
    if abs(value) >= 999.5:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if abs(value) >= 99.95 else f"{value:.1f} ms"


def share(value: float | None) -> str:
    """A share as ``28.3 %``; only 1 itself is ``100 %`` and only 0 itself ``0 %``."""
    if value is None:
        return NOTHING
    if value in (0.0, 1.0):
        return f"{value:.0%}".replace("%", " %")
    percent = f"{value * 100:.1f}"
    if percent == "100.0":
        return "> 99.9 %"
    return "< 0.1 %" if percent == "0.0" else f"{percent} %"


def interval(low: float | None, high: float | None) -> str:
    """The ends of a 95 % interval of a share as ``87.5–90.8 %``."""
    if low is None or high is None:
        return NOTHING
    return f"{_percent(low)}–{_percent(high)} %"


def _percent(value: float) -> str:
    return f"{value * 100:.1f}".removesuffix(".0")


def count(value: float | None) -> str:
    """A whole number with thousands separated."""
    return NOTHING if value is None else f"{value:,.0f}"


def number(value: float | None) -> str:
    """A number to four significant digits, without an exponent up to a million."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def plural(value: int, one: str, many: str | None = None) -> str:
    """``1 cell``, ``2 cells``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def joined(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def first_of(parts: list[str], most: int = 8) -> str:
    """`joined`, but of many parts the first alone, and how many more there are."""
    kept = parts if len(parts) <= most else [*parts[:most], f"{len(parts) - most} more"]
    return joined(kept)


def trigger(name: str) -> str:
    """A trigger's name inside a sentence: ``real-time mode (realtime:30s)``, ``a 5s trigger``."""
    if name.startswith("realtime"):
        return f"real-time mode ({name})"
    return f"{'an' if name.startswith('8') else 'a'} {name} trigger"


def variant(params: Params) -> str:
    """All of a cell's axes but trigger, partitions and repeat; those at their default are left out."""
    parts = [params.profile]
    if params.detectors != "rules":
        parts.append(params.detectors)
    # Where there are no profiles, the engine's name stands in their place.
    if params.engine not in ("spark", params.profile):
        parts.append(params.engine)
    return ", ".join(parts)


def instant(text: str | None) -> str:
    """An ISO 8601 instant as ``2026-11-24 00:22 UTC``; the text itself if it is none."""
    if not text:
        return NOTHING
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text


def heading(column: str) -> str:
    """A column's name in a frame as a heading with its unit: ``p50_ms`` is ``p50 (ms)``."""
    units = {"ms": "ms", "s": "s", "bytes": "bytes", "c": "°C"}
    stem, _, last = column.rpartition("_")
    if column.endswith("_per_s"):
        return f"{column.removesuffix('_per_s').replace('_', ' ')} (1/s)"
    if stem and last in units:
        return f"{stem.replace('_', ' ')} ({units[last]})"
    return column.replace("_", " ")
