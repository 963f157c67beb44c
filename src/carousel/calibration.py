"""Calibration: accuracy by predicted probability (Guo et al. 2017, "On calibration of modern neural networks")."""

import numpy.typing as npt
import polars as pl

BINS = 15  # of probability, as in section 4 of the paper


def table(probabilities: npt.ArrayLike, correct: npt.ArrayLike) -> pl.DataFrame:
    """Return accuracy by the probability of what was predicted, in those of `BINS` ranges that occur.

    Args:
        probabilities: of the predictions, shape (n,).
        correct: whether each is right, shape (n,).
    """
    return (
        pl.DataFrame({"probability": probabilities, "correct": correct})
        .with_columns(bin=(pl.col("probability") * BINS).ceil().clip(1, BINS).cast(pl.Int64))
        .group_by("bin")
        .agg(pl.col("probability").mean(), accuracy=pl.col("correct").mean(), count=pl.len())
        .sort("bin")
        .select(
            ((pl.col("bin") - 1) / BINS).alias("above"),
            (pl.col("bin") / BINS).alias("to"),
            "probability",
            "accuracy",
            "count",
        )
    )


def expected_error(found: pl.DataFrame) -> float:
    """Return the mean distance between probability and accuracy (equation 3), 0 for an empty table."""
    distance = (found["probability"] - found["accuracy"]).abs()
    return float((distance * found["count"]).sum()) / max(int(found["count"].sum()), 1)
