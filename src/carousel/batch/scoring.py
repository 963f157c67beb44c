"""A file of inputs becomes a file of predictions, in bounded memory and whatever interrupts it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from carousel.batch.chunks import ROWS, Chunk, Values, chunks, encodable
from carousel.batch.files import InputFile
from carousel.batch.parts import Parts
from carousel.batch.tables import KNOWN, PREFIX, REASON, TABLES
from carousel.errors import UserError
from carousel.predictor import Predictor


@dataclass
class Progress:
    """How far a file is.

    Attributes:
        rows: done.
        resumed: of them, by an earlier run.
        failed: rows without a prediction.
        left_out: keys of JSON objects that the output has no column for.
    """

    rows: int = 0
    resumed: int = 0
    failed: int = 0
    left_out: set[str] = field(default_factory=set)


def check_output(output: Path, *, force: bool) -> None:
    """Raise a UserError when an output's ending is of no format, or it exists."""
    if output.suffix not in TABLES:
        raise UserError(f"--out {output}: should end in {', '.join(TABLES)}")
    if output.is_dir():
        raise UserError(f"--out {output}: is a folder; name a file in it")
    if output.exists() and not force:
        raise UserError(f"--out {output}: exists already; --force replaces it")


def score(
    predictor: Predictor,
    model: str,
    file: InputFile,
    output: Path,
    *,
    force: bool = False,
    rows: int = ROWS,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Predict for each row of a file and write the rows with their predictions.

    Interrupted and called again with the same arguments, it goes on after the last part that was written; the
    output is the same as that of an uninterrupted run.

    Args:
        predictor: of the model.
        model: its fingerprint and runtime, so that no output mixes two models.
        file: the inputs.
        output: the file, ending in a key of `TABLES`.
        force: replace the output, and parts of another run.
        rows: of a part.
        tell: is called after each part.

    Raises:
        UserError: for an output that exists or cannot be written, or an input that is empty or damaged.
    """
    check_output(output, force=force)
    table = TABLES[output.suffix](file, type(predictor.predict(predictor.example[:1])[0]))
    parts, progress = Parts(output, _about(model, file, rows)), Progress()
    with parts.locked():
        done = parts.begin(replace=force)
        for number, chunk in enumerate(chunks(file.rows(), rows)):
            chunk.check(predictor.check)
            if number >= done:
                written = [
                    table.row(encodable(kept), added)
                    for kept, added in zip(chunk.kept, _predicted(predictor, chunk), strict=True)
                ]
                with parts.writing(number) as path:
                    table.write(written, path)
            else:
                progress.resumed += len(chunk)
            progress.rows += len(chunk)
            progress.left_out.update(name for kept in chunk.kept for name in kept if not table.keeps(name))
            progress.failed += len(chunk) - len(chunk.predictable)
            tell(progress)
        if not progress.rows:
            parts.remove()
            raise UserError(f"{file.path}: is empty: nothing to predict")
        with parts.finishing() as path:
            table.join(parts.paths(), path)
    return progress


def _about(model: str, file: InputFile, rows: int) -> dict[str, Any]:
    stat = file.path.stat()
    return {
        "input": str(file.path.absolute()),
        "size": stat.st_size,
        "modification time": stat.st_mtime_ns,
        "column": file.column,
        "model": model,
        "rows": rows,
    }


def _predicted(predictor: Predictor, chunk: Chunk) -> list[Values]:
    """Return the columns that each row gets."""
    added: list[Values] = [{REASON: encodable(reason)} for reason in chunk.reasons]
    inputs = [chunk.inputs[i] for i in chunk.predictable]
    predictions: list[Any] = list(predictor.predict(inputs)) if inputs else []
    for i, prediction in zip(chunk.predictable, predictions, strict=True):
        added[i] |= {f"{PREFIX}{name}": value for name, value in asdict(prediction).items()}
        added[i][KNOWN] = predictor.has_known_word(chunk.inputs[i])
    return added
