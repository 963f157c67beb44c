"""A graph that takes texts makes the ids of them that the tokenizer and vocabulary make in Python."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from carousel.errors import UserError
from carousel.export.check import unusual_texts
from carousel.export.exporting import export
from carousel.export.graph import Graph
from carousel.export.strings import encode
from carousel.runtime.program import Program
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.support.classifiers import make

TEXTS = unusual_texts(600)
STEPS = ("lowercase", "html_breaks", "remove_quotes", "split_identifiers", "collapse_spaces", "casefold")


def program(*arguments):
    graph = Graph()
    ids, lengths = encode(graph, graph.input("text", object, ("texts",)), *arguments)
    graph.output("ids", ids, ("texts", "tokens"))
    graph.output("lengths", lengths, ("texts",))
    return Program(graph.model("test").SerializeToString(), Path("m.onnx"), strings=True)


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("split", ()),
        ("split", STEPS),
        ("basic_english", TOKENIZERS["basic_english"].normalization),
        ("characters", ("casefold",)),
    ],
)
@pytest.mark.parametrize("truncation", ["head", "head_tail", "none"])
def test_ids_are_those_of_python(name, steps, truncation):
    tokenizer = replace(TOKENIZERS[name], normalization=steps)
    known = {token for text in TEXTS[::2] for token in tokenizer.tokenize(text)}
    vocabulary = Vocabulary((*SPECIALS, *sorted(known)))
    ready = program(tokenizer, vocabulary, 6, truncation)
    for first in range(0, len(TEXTS), 50):
        texts = TEXTS[first : first + 50]
        ids, lengths = ready.run(text=np.array(texts, dtype=object))
        for text, row, length in zip(texts, ids, lengths, strict=True):
            assert row[:length].tolist() == vocabulary.encode(tokenizer.tokenize(text), 6, truncation), repr(text)
            assert not row[length:].any()


def test_a_file_that_takes_texts_predicts_as_its_bundle():
    made = make()
    after = export(made.to_bundle(), made, Path("m.onnx"), int8=False, strings=True).predictor
    texts = ["the cat sat", "", "  ", "THE CAT! on <br /> mat", "unknown"]
    for expected, found in zip(made.predict(texts), after.predict(texts), strict=True):
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_what_cannot_be_expressed_is_refused_in_a_line():
    for tokenizer, reason in (
        (TOKENIZERS["bytes"], "the tokenizer bytes cannot be expressed.*split, basic_english, characters can"),
        (replace(TOKENIZERS["split"], normalization=("nfc",)), "the normalization step nfc cannot be expressed"),
    ):
        with pytest.raises(UserError, match=reason):
            program(tokenizer, Vocabulary((*SPECIALS, "a")), 9, "head")
