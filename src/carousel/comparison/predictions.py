"""Predictions on disk: what a model predicted for each test example, kept with its run for later comparisons.

A Parquet table without the inputs. Its metadata holds the task, the classes and the digest of the test data: two
tables with the same digest are of the same examples in the same order.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from carousel.errors import UserError
from carousel.files import replacing

_METADATA = "carousel.predictions"


@dataclass(frozen=True, eq=False)
class Predictions:
    """A table of predictions, and which examples it is of.

    Attributes:
        task: whose report wrote the table.
        table: a row an example: `id`, `tokens` (its length), and the columns of the task.
        classes: labels or tags that the model knows.
        digest: of the test data, as the task finds it.
    """

    task: str
    table: pl.DataFrame
    classes: tuple[str, ...]
    digest: str

    def save(self, path: Path) -> None:
        """Write the table, whole or not at all."""
        about = json.dumps({"task": self.task, "classes": self.classes, "digest": self.digest})
        with replacing(path) as temporary:
            self.table.write_parquet(temporary, metadata={_METADATA: about})

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Read a table that `save` wrote.

        Raises:
            UserError: when it is missing, or is not such a table.
        """
        try:
            about = json.loads(pl.read_parquet_metadata(path)[_METADATA])
            table = pl.read_parquet(path, glob=False)
            return cls(about["task"], table, tuple(about["classes"]), about["digest"])
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file; `dvc repro` makes it") from error
        except (KeyError, ValueError, pl.exceptions.PolarsError) as error:
            raise UserError(
                f"{path}: not a table of predictions; `dvc repro --force evaluate` remakes it"
            ) from error
