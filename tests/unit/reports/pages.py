"""A page of a report, as its tests ask about it."""

from html.parser import HTMLParser

#: Elements that have no end tag.
VOID = {"meta", "link", "img", "br", "hr"}


class Page(HTMLParser):
    """What a test asks of a page: its tags with attributes, its text, and whether tags are nested right."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.text, self.wrong = [], [], [], []
        self.feed(html)
        self.close()
        self.wrong += self.open

    def handle_starttag(self, tag, attrs):
        """Remember the tag; void ones are not left open."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Close the tag that was opened last."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        """Collect text, styles left out."""
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        """All text, with single spaces."""
        return " ".join(" ".join(self.text).split())

    def attributes(self, name):
        """Every value of an attribute."""
        return [attrs[name] for _, attrs in self.tags if attrs.get(name)]
