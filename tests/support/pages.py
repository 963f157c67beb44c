"""What a test asks of an HTML page."""

from html.parser import HTMLParser

NASTY = '<script>alert("x")</script> & <b>bold</b>'
VOID = {"meta", "path", "use", "image", "rect", "br"}  # elements that pages leave open or close themselves


class Outline(HTMLParser):
    """Elements of a page: whether they nest, what they refer to, the cells of its tables.

    The rows of a table are under its id, or else that of its section.
    """

    def __init__(self):
        super().__init__()
        self.open, self.names, self.references, self.rows, self.table, self.section = [], [], [], {}, None, None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names.append(tag)
        self.references += [value for key, value in attributes if key in ("src", "href", "xlink:href", "srcset")]
        if tag == "section":
            self.section = given["id"]
        if tag == "table":
            self.table = given.get("id", self.section)
        if tag == "tr":
            self.rows.setdefault(self.table, []).append([])
        if tag in ("td", "th"):
            self.rows[self.table][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.names.append(tag)
        self.references += [value for key, value in attributes if key in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[self.table][-1][-1] += data.strip()


def outline(text):
    """Return the outline of a page whose elements nest."""
    found = Outline()
    found.feed(text)
    assert found.open == []
    return found


def assert_standalone(text):
    """Check that a page needs neither network nor script."""
    found = outline(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.names)
    assert all(reference.startswith("#") for reference in found.references)
    for loading in ("@import", "url(http", "url(//", "javascript:"):
        assert loading not in text
