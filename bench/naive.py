"""One trial as a first script runs it: from the prepared texts, in an interpreter of its own.

    python -m bench.naive HPARAMS     the hyperparameters as JSON

It makes tokens, vocabulary and ids as the stages do, in a temporary folder, and trains.
"""

import os
import sys
import tempfile
from pathlib import Path

from carousel.corpus.encoded import Encoded
from carousel.params import Hparams
from carousel.text.vocabulary import Vocabulary
from carousel.training.fit import fit
from pipeline import build_vocab, encode, tokenize


def main() -> None:
    """Run the trial that the first argument names."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        (copy / "data").mkdir()
        (copy / "data/prepared").symlink_to(here / "data/prepared")
        (copy / "params.yaml").write_bytes((here / "params.yaml").read_bytes())
        os.chdir(copy)
        for stage in (tokenize, build_vocab, encode):
            stage.main()
        train, val = (Encoded.load(Path("data/encoded") / split) for split in ("train", "val"))
        vocabulary = Vocabulary.from_text(Path("artifacts/vocab.txt").read_text("utf-8"))
        fit(Hparams.model_validate_json(sys.argv[1]), train, val, vocabulary, quiet=True)
        os.chdir(here)


if __name__ == "__main__":
    main()
