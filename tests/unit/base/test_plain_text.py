"""Text that may be anybody's does nothing but stand there."""

import pytest

from base.plain_text import markdown, printable


@pytest.mark.parametrize("steering", ["\x1b[31m", "\x07", "\r", "\n", "\u202e", "\u2066", "\x9b2J"])
def test_nothing_steers_the_terminal_or_turns_the_text(steering):
    """Escapes, bells, line ends and signs that turn the direction become spaces; the rest stays."""
    shown = printable(f"a{steering}b")
    assert shown[0] + shown[-1] == "ab"
    assert shown.isprintable()


def test_letters_of_every_script_stay():
    """Accents, Chinese, Arabic, emoji."""
    assert printable("ü 漢 عربي 😀") == "ü 漢 عربي 😀"


def test_markdown_and_html_are_taken_from_it():
    """Tags, tables, links, mentions and bare addresses are text."""
    assert markdown("<b>|a|</b>") == r"&lt;b&gt;\|a\|&lt;/b&gt;"
    assert markdown("[x](y) `z` *w*") == r"\[x\](y) \`z\` \*w\*"
    assert markdown("@you https://x") == "@&#8203;you https:/&#8203;/x"
