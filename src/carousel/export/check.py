"""An exported model beside the bundle that it was made of: equal predictions, size and speed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carousel.errors import Refused
from carousel.predictor import Predictor
from carousel.task_modules import module
from carousel.text.subwords import SPACE
from carousel.text.vocabulary import SPECIALS, Vocabulary

TOLERANCE = 1e-4  # between probabilities of a bundle and of its export in fp32
GENERATED, LONGEST = 200, 60  # texts, and their words
TIMED, ROUNDS = 30, 5
UNUSUAL = 2000  # texts that ids are compared on
_UNUSUAL = [*"aBΣİßﬁé日😀\xadʰ.,!?();:'\"_", "ΑΣ", "e\u0301", "<br />", "getLineNumber", "HTTPServer"]


@dataclass(frozen=True)
class Check:
    """What two predictors of one model predict for the same inputs.

    Attributes:
        inputs: how many there are.
        agreement: fraction of decisions (labels, or tags of tokens) that are the same.
        difference: the largest one between two probabilities.
        accuracy: fraction of right decisions, before and after; None where targets are not known.
        microseconds: CPU time from an input to its prediction, one input at a time, before and after.
    """

    inputs: int
    agreement: float
    difference: float
    accuracy: tuple[float, float] | None
    microseconds: tuple[float, float]

    def refuse(self, *, min_agreement: float, fp32: bool) -> None:
        """Raise `Refused` when the predictions are not the same.

        Args:
            min_agreement: of decisions.
            fp32: whether nothing was quantized, so that probabilities have to be equal, too.
        """
        if self.agreement < min_agreement:
            raise Refused(
                f"{100 * self.agreement:.2f} % of predictions are the bundle's, less than "
                f"{100 * min_agreement:g} %; nothing was written: leave out --int8, or set --min-agreement"
            )
        if fp32 and self.difference > TOLERANCE:
            raise Refused(
                f"a probability differs by {self.difference:.1g} from the bundle's, more than {TOLERANCE:g}: "
                "nothing was written"
            )


def check(
    task: str, before: Predictor, after: Predictor, inputs: Sequence[Any], targets: Sequence[Any] | None
) -> Check:
    """Compare a bundle's predictor with its exported model's.

    Args:
        task: of both.
        before: the bundle's.
        after: the exported model's.
        inputs: at least one.
        targets: the right decisions for each input, as the task's `export.decisions` has them, if they are known.
    """
    decided = module(task, "export").decisions
    predictions = [list(predictor.predict(inputs)) for predictor in (before, after)]
    pairs = [[decided(prediction) for prediction in each] for each in predictions]
    own, other = ([decision for decisions, _ in each for decision in decisions] for each in pairs)
    numbers = [np.array([value for _, values in each for value in values]) for each in pairs]
    accuracy = None
    if targets is not None:
        flat = [decision for decisions in targets for decision in decisions]
        accuracy = _same(own, flat), _same(other, flat)
    return Check(
        inputs=len(inputs),
        agreement=_same(own, other),
        difference=float(np.abs(numbers[0] - numbers[1]).max(initial=0.0)),
        accuracy=accuracy,
        microseconds=_cpu_microseconds((before, after), inputs),
    )


def check_ids(before: Any, after: Any, texts: Sequence[str]) -> None:
    """Check that a graph that takes texts makes the same ids of them as the tokenizer and vocabulary of its bundle.

    Args:
        before: the bundle's classifier.
        after: the exported one.
        texts: to compare on, beside generated ones, whose characters are of all kinds.

    Raises:
        Refused: when they are not the same.
    """
    every = [*(text.replace("\0", " ") for text in texts), *unusual_texts(UNUSUAL)]
    for text, found in zip(every, after.read(every)[1], strict=True):
        if found != before.encode(text):
            raise Refused(f"the graph makes other ids of the text {text!r} than the tokenizer: nothing was written")


def unusual_texts(count: int) -> list[str]:
    """Return texts of white space of every kind, punctuation, letters with special cases, and any characters."""
    random = np.random.default_rng(0)
    white = [char for char in map(chr, range(0x10000)) if char.isspace()]
    pool = [*white, *_UNUSUAL]
    texts = ["", *white]
    while len(texts) < count:
        chosen = random.choice(pool, size=random.integers(0, 25)).tolist()
        texts.append("".join(chosen) + chr(random.integers(1, 0xD800)) + chr(random.integers(0xE000, 0x110000)))
    return texts


def _cpu_microseconds(predictors: tuple[Predictor, Predictor], inputs: Sequence[Any]) -> tuple[float, float]:
    """Return each one's median CPU time for an input; they take turns on a few inputs at a time."""
    chosen = [inputs[i] for i in np.unique(np.linspace(0, len(inputs) - 1, TIMED).astype(int))]
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for predictor, times in zip(predictors, taken, strict=True):
            began = time.process_time()
            for given in chosen:
                predictor.predict([given])
            times.append(1e6 * (time.process_time() - began) / len(chosen))
    return float(np.median(taken[0])), float(np.median(taken[1]))


def generated(vocabulary: Vocabulary, count: int = GENERATED) -> list[str]:
    """Return texts of random tokens of a vocabulary, an empty one among them; the same in each call."""
    random = np.random.default_rng(0)
    tokens = vocabulary.tokens[len(SPECIALS) :] or ("a",)
    joint = "" if any(token.startswith(SPACE) for token in tokens) else " "
    texts = [""]
    for _ in range(count - 1):
        chosen = random.integers(len(tokens), size=random.integers(1, LONGEST + 1))
        texts.append(joint.join(tokens[i] for i in chosen).replace(SPACE, " "))
    return texts


def _same(one: Sequence[Any], other: Sequence[Any]) -> float:
    return float(np.mean([a == b for a, b in zip(one, other, strict=True)])) if one else 1.0
