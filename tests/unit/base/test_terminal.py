"""What people read comes out whole, in any encoding and at any width."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from base.terminal import print_prose, write_legibly


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_what_an_encoding_lacks_is_written_in_other_words(encoding, monkeypatch):
    """Nothing is an error, our own signs are as in ASCII, and JSON stays what it was."""
    told = {"name": "ü 漢 😀"}
    text = f"5 – 6 … {json.dumps(told, ensure_ascii=False)}"
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding=encoding))
    write_legibly()
    print(text, flush=True)
    shown = written.getvalue().decode(encoding)
    assert shown.rstrip() == text if encoding == "utf-8" else shown.startswith("5 - 6 ... {")
    assert json.loads(shown[shown.index("{") :]) == told


@pytest.mark.parametrize("width", [20, 80])
def test_sentences_are_broken_between_words_on_a_terminal_alone(width):
    """In a pipe a line is a line, for `grep` and for whoever has another width."""
    sentence = "p50 of batch time was 70.5 ms in the first half of the window and 58.5 ms in the second."
    lines = {}
    for terminal in (True, False):
        shown = io.StringIO()
        print_prose(Console(file=shown, width=width, force_terminal=terminal, color_system=None), sentence)
        lines[terminal] = shown.getvalue().splitlines()
    assert lines[False] == [sentence]
    assert len(lines[True]) > 1
    assert [word for line in lines[True] for word in line.split()] == sentence.split()
    assert max(map(len, lines[True])) <= width
