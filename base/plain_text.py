"""Text that may be anybody's, made harmless where it is shown: on a terminal, in Markdown.

Names of scenarios, labels of rules, paths and the last lines of dead children come out of files; whoever
wrote them decides about their signs, and must not decide about ours.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` on one line, without what steers a terminal or turns the direction in which text runs."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def markdown(text: str) -> str:
    """`printable` text, without what HTML, Markdown or GitHub (mentions, links) would take for its own."""
    text = printable(text)
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, safe)
    text = "".join(f"\\{sign}" if sign in r"\`*_[]|~!" else sign for sign in text)
    # Mentions and bare addresses are found in the text itself, so an invisible space must part them.
    for sign in ("@", "://", "www."):
        text = text.replace(sign, f"{sign[:-1]}&#8203;{sign[-1]}" if len(sign) > 1 else f"{sign}&#8203;")
    return text
