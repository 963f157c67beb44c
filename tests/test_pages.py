import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from carousel.page import TEMPLATES, render
from tests.support.pages import NASTY


def test_values_are_escaped_and_markup_is_not():
    arguments = {"with_errors": 1, "total": 1, "unknown": False, "outside": None}
    sentence = {"name": NASTY, "wrong": 1, "words": [(NASTY, "a", "b", True)]}
    written = render("tasks/tagging/sentences.html", sentences=[sentence], **arguments)
    assert NASTY not in written
    assert "&lt;script&gt;" in written
    sentence = {"name": Markup("<i>a</i>"), "wrong": 1, "words": []}
    assert "&lt;i&gt;" in render(
        "tasks/tagging/sentences.html", sentences=[sentence], **arguments
    )  # a filter's text


def test_a_missing_value_is_an_error():
    with pytest.raises(UndefinedError):
        render("tasks/tagging/sentences.html")


def test_every_whole_page_has_the_same_style():
    pages = [path for path in TEMPLATES.rglob("page.html") if path.parent != TEMPLATES]
    assert len(pages) == 3
    assert all('{% extends "page.html" %}' in path.read_text("utf-8") for path in pages)
