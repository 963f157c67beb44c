from dataclasses import replace
from html.parser import HTMLParser

import pytest

from carousel.tasks.tagging.report import TaggingReport
from carousel.tasks.tagging.scores import Intents
from carousel.tasks.tagging.sentences import render

NASTY = '<script>alert("x")</script> & <b>bold</b>'
REPORT = TaggingReport(
    names=("first", "second"),
    tokens=(("Ann", "saw", "Rome"), ("yes",)),
    gold=(("B-PER", "O", "B-LOC"), ("O",)),
    predicted=(("B-PER", "O", "B-PER"), ("O",)),
    known=((True, True, False), (True,)),
    probabilities=((0.9, 1.0, 0.25), (1.0,)),
    intents=Intents(("ask", "tell"), ("tell", "tell")),
)


class Words(HTMLParser):
    """Elements of a page, and the texts within each element that has a class."""

    def __init__(self):
        super().__init__()
        self.open, self.names, self.references, self.texts = [], [], [], {}

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.references += [value for key, value in attributes if key in ("src", "href")]
        if tag != "meta":
            self.open.append((tag, dict(attributes).get("class")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if data.strip():
            for _, name in self.open:
                self.texts.setdefault(name, []).append(data.strip())


def parsed(report=REPORT):
    found = Words()
    found.feed(render(report))
    assert found.open == []
    return found


def test_sentences_need_no_network_and_no_script():
    found = parsed()
    assert not {"script", "link", "img"} & set(found.names)
    assert found.references == []


def test_wrong_tokens_have_the_gold_and_the_predicted_tag():
    found = parsed().texts
    assert found["word wrong unknown"] == ["Rome", "B-LOC", "B-PER"]
    assert found["word"] == ["Ann", "B-PER", "saw"]  # O is not shown
    assert found["tag gold"] == ["B-LOC"]
    assert found["tag predicted"] == ["B-PER"]
    assert "1 of 3 tags wrong" in found[None]
    assert "least probability 0.25" in found[None]
    assert found["gold-name"] == ["right tag", "ask"]
    assert found["predicted-name"] == ["predicted tag", "tell"]


def test_what_is_not_known_is_not_shown():
    plain = render(replace(REPORT, known=None, probabilities=None, intents=None))
    for text in ("vocabulary", "probability", "intent", "calibration"):
        assert text not in plain


def test_the_tags_of_a_task_without_spans_are_all_shown():
    report = TaggingReport(("a",), (("O", "go"),), (("O", "VERB"),), (("O", "NOUN"),))
    assert parsed(report).texts["word"] == ["O", "O"]


def test_every_text_is_escaped():
    tags = ((f"B-{NASTY}",), (f"I-{NASTY}x",))
    report = TaggingReport((NASTY,), ((NASTY,),), tags[:1], tags[1:], intents=Intents((NASTY,), (f"{NASTY}y",)))
    page = render(report)
    assert NASTY not in page
    assert not {"script", "b"} & set(parsed(report).names)


@pytest.mark.parametrize("token", ["a\0b", "\x1b[31m", "two\nlines", "\u202egnp"])
def test_no_token_has_an_invisible_character(token):
    report = replace(REPORT, tokens=((token, "saw", token), ("yes",)))
    page = render(report)
    assert token not in page


def test_a_model_without_errors_has_no_sentences():
    page = render(replace(REPORT, predicted=REPORT.gold, intents=None))
    assert "every tag of every sentence is right" in page
    assert "<article>" not in page
