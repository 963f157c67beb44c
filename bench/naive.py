"""One trial as a first script runs it: from the prepared texts, in an interpreter of its own.

    python -m bench.naive HPARAMS     the hyperparameters as JSON

It makes tokens, vocabulary and ids as the stages do, in a temporary folder, and trains.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from carousel import layout
from carousel.corpus.training_data import TrainingData
from carousel.params import hparams_from
from carousel.task import find
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
        data = TrainingData.load(layout.ENCODED, layout.PARTS, layout.VECTORS)
        hparams = hparams_from(json.loads(sys.argv[1]))
        fit(find(hparams.task).make_learner, hparams, data, quiet=True)
        os.chdir(here)


if __name__ == "__main__":
    main()
