"""The files that the section `data` of params.yaml names, each with its split."""

from collections.abc import Callable
from pathlib import Path

from carousel.corpus.document import SPLITS
from carousel.errors import UserError
from carousel.params import Source


def input_files(
    data: Source, root: Path, is_input: Callable[[Path], bool] | None = None
) -> list[tuple[Path, str | None]]:
    """Return `data.path` without a split, or what `data.splits` names in the folder `data.path`.

    Args:
        data: the section.
        root: where relative paths begin.
        is_input: whether a folder is an input itself, in formats of several files; None where no folder is.

    Raises:
        UserError: when one is missing, or is a folder where a file should be or the other way round.
    """
    base = root / data.path
    if not base.exists():
        raise UserError(f"{base}: no such file or folder; data.path in params.yaml names it")
    if not data.given:
        if base.is_dir() and not (is_input is not None and is_input(base)):
            files = ", ".join(sorted(path.name for path in base.iterdir())[:8])
            raise UserError(f"{base}: is a folder; name its files in data.splits, or one in data.path ({files})")
        return [(base, None)]
    if not base.is_dir():
        raise UserError(f"{base}: is not a folder; with data.splits, data.path is the folder of those files")
    for name in data.given.values():
        if not (base / name).is_file() and (is_input is None or not (base / name).exists()):
            what = "file" if is_input is None else "file or folder"
            raise UserError(f"{base / name}: no such {what}; data.splits in params.yaml names it")
    return [(base / data.given[split], split) for split in SPLITS if split in data.given]
