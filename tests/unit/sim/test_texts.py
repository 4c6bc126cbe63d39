"""Columns of byte strings hold what lists of them would."""

from __future__ import annotations

from ctypes import string_at

import pyarrow as pa

from sim.texts import Texts

TEXTS = [b"one", b"", b"three"]


def test_lines_are_cut_at_newlines():
    """Each line without its newline; no line, no text."""
    found = Texts.of_lines(b"one\n\nthree\n")
    assert list(found) == TEXTS
    assert (len(found), found[2]) == (3, b"three")
    assert list(Texts.of_lines(b"")) == []


def test_arrow_comes_and_goes():
    """An Arrow array, or a slice of one, and back."""
    array = pa.array([b"zero", *TEXTS], type=pa.binary())
    assert list(Texts.of_arrow(array[1:])) == TEXTS
    assert Texts.of_arrow(array).to_arrow().equals(array)
    assert list(Texts.of_arrow(array[:0])) == []


def test_slices_point_into_the_same_memory():
    """A part is read from the address of the whole."""
    part = Texts.of_lines(b"one\n\nthree\n")[1:]
    assert list(part) == TEXTS[1:]
    assert string_at(part.address + int(part.starts[1]), 5) == b"three"
