"""A folder in which the pipeline's own data stages have run on one data set."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from bench.results import sets
from carousel import corpus, text
from carousel.errors import UserError
from carousel.files import json_digest, replacing
from carousel.tasks import classification
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.params import Params

ROOT = Path(__file__).parents[2]
STAGES = ("collect", "prepare", "tokenize", "build_vocab", "encode")
SECTIONS = ("task", "split", "tokenizer", "vocab", "vectors", "encode")  # and data: what those stages read
VECTORS = Path("data/vectors")
KEPT = Path(".carousel/results")


def prepare(name: str, fold: int, params: Params, data: Path, *, phrases: bool) -> tuple[Path, str]:
    """Run the data stages on a set, or find where they ran on the same one with the same params.

    Args:
        name: a key of `sets.SETS`.
        fold: which of the set's folds is tested on.
        params: the experiment's; `data` is replaced by the set's.
        data: the folder of all sets.
        phrases: as for `sets.read`.

    Returns:
        The folder, and a digest of all that decided what is in it.

    Raises:
        UserError: when a file of the set is missing, or a stage fails.
    """
    source, files = _source(name, fold, data, phrases)
    chosen = params.model_copy(update={"data": source})
    sections = {key: value for key, value in chosen.model_dump().items() if key in (*SECTIONS, "data")}
    contents = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    vectors = ROOT / VECTORS / (params.vectors.file or "")
    stat = [vectors.stat().st_size, vectors.stat().st_mtime] if vectors.is_file() else None
    digest = json_digest([sections, contents, stat, _code()])[:16]
    folder = KEPT / "data" / f"{name}-{digest}"
    if not folder.exists():
        _remove_older(folder.parent, name)
        with replacing(folder) as temporary:
            for path, content in files.items():
                (temporary / path).parent.mkdir(parents=True, exist_ok=True)
                (temporary / path).write_bytes(content)
            (temporary / VECTORS).symlink_to(ROOT / VECTORS)
            # JSON is YAML
            (temporary / "params.yaml").write_text(json.dumps(chosen.model_dump(), indent=1), "utf-8")
            for stage in STAGES:
                _run(stage, temporary)
    return folder, digest


def _source(name: str, fold: int, data: Path, phrases: bool) -> tuple[Data, dict[str, bytes]]:
    """Return the `data` section of a set, and the files that it speaks of."""
    if sets.SETS[name].read is None:
        return Data(), {Data().path: (ROOT / Data().path).read_bytes()}
    files = {}
    splits = _splits(name, data, phrases)[fold]
    for split, rows in splits.items():
        lines = (json.dumps({"text": text, "label": label}) for text, label in rows)
        files[f"data/{name}/{split}.jsonl"] = "".join(f"{line}\n" for line in lines).encode()
    if set(splits) == {sets.ALL}:
        return Data(source="file", path=f"data/{name}/{sets.ALL}.jsonl"), files
    given = {split: f"{split}.jsonl" for split in splits}
    return Data.model_validate({"source": "file", "path": f"data/{name}", "splits": given}), files


@cache
def _splits(name: str, data: Path, phrases: bool) -> list[sets.Splits]:
    return sets.read(name, data, phrases)


def _run(stage: str, folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    done = subprocess.run(
        [sys.executable, "-m", f"pipeline.{stage}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"stage {stage} failed: {done.stderr.strip().removeprefix('error: ')}")


@cache
def _code() -> str:
    """Return a digest of the source that the stages run."""
    source = hashlib.sha256()
    packages = (corpus, text, classification)
    for folder in (ROOT / "pipeline", *(Path(path) for package in packages for path in package.__path__)):
        for file in sorted(folder.rglob("*.py")):
            source.update(file.read_bytes())
    return source.hexdigest()


def _remove_older(folder: Path, name: str, keep: int = 11) -> None:
    """Leave a set's latest folders; the others were of other params or code."""
    found: list[Any] = sorted(folder.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)
    for path in found[:-keep]:
        shutil.rmtree(path)
