"""Tables on disk: Parquet between stages, CSV for DVC's plots; whole or absent, like every file."""

from pathlib import Path

import polars as pl

from carousel.corpus.document import SPLITS
from carousel.errors import UserError
from carousel.files import replacing


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame as what the path's ending says, .parquet or .csv."""
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            frame.write_parquet(temporary)
        else:
            frame.write_csv(temporary, float_precision=6)


def write_splits(frames: dict[str, pl.DataFrame], folder: Path) -> None:
    """Write `{split}.parquet` for each split."""
    for name, frame in frames.items():
        write(frame, folder / f"{name}.parquet")


def read(path: Path) -> pl.DataFrame:
    """Read a Parquet table that an earlier stage wrote.

    Raises:
        UserError: when it is missing.
    """
    try:
        return pl.read_parquet(path, glob=False)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; `dvc repro` makes it") from error


def read_splits(folder: Path) -> dict[str, pl.DataFrame]:
    """Read `{split}.parquet` of every split."""
    return {name: read(folder / f"{name}.parquet") for name in SPLITS}
