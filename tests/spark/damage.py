"""Records that no sensor sends: drawn by hypothesis, damaged by a seeded hand, and some of a megabyte.

Everything is the same in every run. Fractions of about a thousand digits are left out: where Spark's
limit lies depends on where in its buffer they stand (`spark.nasty`).
"""

from __future__ import annotations

import json
import random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from spark.nasty import hot

from wire.reading import CHANNELS, READING_FIELDS

T = TypeVar("T")

PIECES = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"0", b"9", b".", b"e", b"E+", b"-", b" ", b"\n", b"\x00", b"\\"),
    *(b"\xff", b"\xe2\x82\xac", b"null", b"true", b"NaN", b"{}", b"1e999", b"1e308", b"0.1", b"\\u0041"),
    *(b'"temperature"', b"sensor_id", b"timestamp"),
)


def damaged(record: bytes, rng: random.Random) -> bytes:
    """The record with one to three cuts and foreign pieces."""
    text = bytearray(record)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(3):
            case 0:
                text[at:at] = rng.choice(PIECES)
            case 1:
                del text[at : at + rng.randint(1, 4)]
            case 2:
                text[at : at + 1] = rng.choice(PIECES)
    return bytes(text)


def _text(value: object) -> bytes:
    return json.dumps(value).encode()


#: Numbers as JSON has them, small and huge. Most of what is drawn must be JSON, or nothing else is tried.
_NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(_text),
    st.floats(allow_nan=False, allow_infinity=False).map(_text),
    st.sampled_from((b"1e999", b"-1e999", b"9" * 400, b"9223372036854775808", b"1e-999", b"-0", b"-0.0")),
    st.sampled_from((b"0", b"3", b"36.5", b"50.01", b"1732879703.5", b"1e11", b"1e17", b"-1.5")),
)

_NO_NUMBERS = st.sampled_from(
    (b"NaN", b"Infinity", b"-Infinity", b"007", b"+1", b".5", b"1.", b"1e", b"0x1F", b"1_000", b"--1", b"nul", b"")
)

_STRINGS = st.one_of(
    st.text(max_size=6).map(_text),
    st.text(st.characters(codec="utf-8"), max_size=4).map(lambda text: b'"' + text.encode() + b'"'),
    st.binary(max_size=4).map(lambda raw: b'"' + raw + b'"'),
    st.sampled_from((b'"NaN"', b'"Infinity"', b'"1e999"', b'"36.5"', b'"7"', b'"2024-11-29T11:28:23Z"', b'""', b"''")),
)

_SCALARS = st.one_of(*[_NUMBERS] * 4, st.sampled_from((b"null", b"true", b"false")), _NO_NUMBERS, _STRINGS)

_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda items: b"[" + b",".join(items) + b"]"),
        st.tuples(_STRINGS, inner).map(lambda member: b"{" + b":".join(member) + b"}"),
    ),
    max_leaves=3,
)

#: Names are few, so that some stand twice.
_OURS = st.tuples(st.sampled_from(READING_FIELDS).map(_text), st.one_of(*[_NUMBERS] * 4, _VALUES))
_FOREIGN = st.tuples(_STRINGS, _VALUES)

#: What stands before the drawn members: most records then get as far as the checks of the channels.
_WHOLE = ((b'"sensor_id"', b"7"), (b'"timestamp"', b"1732879703.5"))
_HEADS = st.sampled_from((_WHOLE, _WHOLE, _WHOLE, _WHOLE[:1], _WHOLE[1:], ()))

_OBJECTS = st.builds(
    lambda head, members: b"{" + b",".join(map(b":".join, (*head, *members))) + b"}",
    _HEADS,
    st.lists(st.one_of(_OURS, _OURS, _OURS, _FOREIGN), max_size=3),
)

#: Objects whole and truncated, other values, and bytes that are nothing at all.
_RECORDS = st.one_of(
    *[_OBJECTS] * 6,
    st.tuples(_OBJECTS, st.integers(1, 40)).map(lambda cut: cut[0][: -cut[1]]),
    st.tuples(_OBJECTS, _VALUES).map(b"".join),
    _VALUES,
    st.binary(max_size=60),
)


def drawn(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """About ``count`` values of a strategy, the same ones in every run."""
    values: list[T] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(value: T) -> None:
        values.append(value)

    keep()
    return values


def drawn_records(count: int) -> list[bytes]:
    """About ``count`` records: objects of our fields with wrong values, foreign ones, doubled ones; cut; no objects."""
    return drawn(_RECORDS, count)


#: A record that a broker takes by default holds at most 1,048,588 bytes, its key and its headers included.
_LONG = 1_000_000


def long_records() -> list[bytes]:
    """Records of a megabyte, of which none is a reading that raises an alert."""
    return [
        b"z" * _LONG,
        b" " * _LONG,
        b"\xff" * _LONG,
        b"\x00" * _LONG,
        b"9" * _LONG,
        b'"' * _LONG,
        b"[" * _LONG,
        b'{"x":' * (_LONG // 5),
        hot(b',"x":"' + b"y" * _LONG),
        hot(b',"x":"' + b"y" * _LONG + b'\xff"'),
        hot(b',"x":' + b"9" * _LONG),
        hot(b',"' + b"k" * _LONG + b'":1'),
        hot(b',"x":' + b"[" * (_LONG // 2) + b"]" * (_LONG // 2)),
        # So many members that the parser is busy: each of its type but the last.
        hot(b"".join(b',"%s":%d' % (CHANNELS[n % 5].encode(), n % 10) for n in range(60_000)) + b',"seq":"x"'),
        (hot(b"") * (_LONG // 80))[:_LONG],
    ]
