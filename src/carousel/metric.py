"""A metric: what a number measures, and which direction is better."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """What a task measures on a split.

    Attributes:
        name: the key in reports, params.yaml and MLflow, such as `macro_f1`.
        title: the name in tables and plots, such as `macro-F1`.
        higher_is_better: whether a higher value is better.
    """

    name: str
    title: str
    higher_is_better: bool = True

    def better(self, one: float, other: float) -> bool:
        """Return whether one value is better than another one."""
        return one > other if self.higher_is_better else one < other
