import torch

from carousel.tasks.classification.predictor import Classifier
from carousel.tasks.classification.top_ngrams import MOST, section
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.nn.conftest import ngram_counts
from tests.support import networks
from tests.support.classifiers import LABELS, make

CAT, SAT = 3, 4  # ids of words of `WORDS`


def counting(documents, targets, words, **settings):
    """Return a classifier that counted documents of ids."""
    size = len(SPECIALS) + len(words)
    counts = ngram_counts(documents, targets, words=size, longest=2)
    model = networks.classifier(size, len(LABELS), ngrams=2, ngram_rows=counts.rows, **settings)
    model.ngrams.begin(counts)
    return Classifier(model, TOKENIZERS["split"], Vocabulary((*SPECIALS, *words)), LABELS, 12)


def counted(weight=0.0, words=("the", "cat", "sat")):
    """Return one that counted `cat` under the first label and `cat sat` under the second."""
    documents = [[CAT], [CAT], [CAT, SAT], [CAT, SAT]]
    return counting(documents, [0, 0, 1, 1], words, ngram_weight=weight)


def shown(classifier):
    return dict(section(classifier).parts[0].rows)


def test_n_grams_are_under_the_label_that_they_speak_for():
    rows = shown(counted())
    assert list(rows) == list(LABELS)
    assert rows[LABELS[1]].replace("\u00a0", " ").split("   ")[:2] == ["“sat”", "“cat sat”"]
    assert "sat" not in rows[LABELS[0]]
    assert rows[LABELS[2]] == ""  # no document has it


def test_a_linear_classifiers_weights_decide_where_there_is_one():
    classifier = counted(weight=0.5)
    with torch.no_grad():
        classifier.model.linear.words.weights[:-1, 0] = torch.tensor([1.0, -1.0, -1.0])[
            : classifier.model.ngrams.none
        ]
    assert shown(classifier)[LABELS[0]] == "“cat”"
    assert "linear classifier" in section(classifier).parts[1].text


def test_subwords_are_joined():
    rows = shown(counted(words=("▁the", "▁ca", "ts")))
    assert rows[LABELS[1]].replace("\u00a0", " ").split("   ")[:2] == ["“…ts”", "“cats”"]


def test_a_model_without_n_grams_has_no_section():
    assert section(make()) is None
    assert section(counting([[]], [0], ("the",))) is None


def test_a_label_has_no_more_than_some():
    words = [f"w{i}" for i in range(40)]
    classifier = counting([[i] for i in range(2, 42)] + [[2]], [0] * 40 + [1], words)
    assert len(shown(classifier)[LABELS[0]].split("   ")) == MOST
