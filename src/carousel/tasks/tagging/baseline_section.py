"""The parameters of the baseline tagger."""

from typing import Literal

from carousel.params.sections import Positive, Section


class Baseline(Section):
    """A conditional random field on word features; `ap` is the averaged perceptron."""

    algorithm: Literal["ap", "lbfgs"] = "ap"
    iterations: Positive = 10
