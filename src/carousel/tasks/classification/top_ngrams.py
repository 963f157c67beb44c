"""The n-grams that speak most for each label, where the model counts n-grams."""

import numpy as np
import numpy.typing as npt
import torch

from carousel.model_page.section import Note, Section, Table
from carousel.nn.characters import BOUNDARY
from carousel.nn.ngram_ensemble import NgramEnsemble
from carousel.nn.ngrams import log_ratios
from carousel.tasks.classification.predictor import Classifier
from carousel.text.vocabulary import Vocabulary

NO_BREAK = "\u00a0"  # a space at which no line ends
MOST = 12  # n-grams of a label
MOST_LABELS = 50


def section(classifier: Classifier) -> Section | None:
    """Return the n-grams of tokens with the greatest evidence for each label; None without any."""
    model = classifier.model
    if not isinstance(model, NgramEnsemble) or not model.ngrams.none:
        return None
    evidence, labels, vocabulary = _evidence(model), classifier.labels[:MOST_LABELS], classifier.vocabulary
    rows = []
    for number, label in enumerate(labels):
        order = np.argsort(-evidence[:, number], kind="stable")[:MOST]
        texts = [_text(model.ngrams.tokens(int(row)), vocabulary) for row in order if evidence[row, number] > 0]
        rows.append([label, "   ".join(f"“{text.replace(' ', NO_BREAK)}”" for text in texts if text)])
    source = "linear classifier" if model.linear is not None else "n-gram counts"
    note = Note(
        f"From the model's {source}: an n-gram's weight for the label, times the square root of the number of "
        "training documents that have both, so that neither rare n-grams lead nor those that every label has."
        + (
            f" The first {MOST_LABELS} of {len(classifier.labels)} labels."
            if len(classifier.labels) > MOST_LABELS
            else ""
        )
    )
    return Section("ngrams", "N-grams by label", [Table([("label", "name"), ("n-grams", "text")], rows), note])


@torch.no_grad()
def _evidence(model: NgramEnsemble) -> npt.NDArray[np.float32]:
    """Return how much each n-gram of tokens speaks for each label, (rows, labels)."""
    ngrams = model.ngrams
    if model.linear is not None:
        weights = model.linear.words.weights
    else:
        weights = (1 + ngrams.embedding.weight) * log_ratios(ngrams.counts, ngrams.documents)
    return (weights * ngrams.counts.sqrt())[:-1].numpy()


def _text(ids: list[int], vocabulary: Vocabulary) -> str:
    """Return an n-gram as text; subwords are joined, and `…` is before one that begins within a word."""
    tokens = [vocabulary.tokens[number] for number in ids]
    if not any(token.startswith(BOUNDARY) for token in vocabulary.tokens):
        return " ".join(tokens)
    text = "".join(tokens)
    within = text[0].isalnum()
    return ("…" if within else "") + text.replace(BOUNDARY, " ").strip()
