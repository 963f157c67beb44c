"""Ludwig's text classifier with its `rnn` encoder.

A document is the encoder's output at the last step, `reduce_output: last`, Ludwig's default; it offers maximum or
mean, but not both. Ludwig pads every batch to the longest document of all and masks nothing, so that the last step
is one of padding. `bucketing_field` is among its settings, but release 0.11 never reads it.

Chosen for speed: documents are preprocessed before the clock starts, no gradient clipping, no metrics and no
evaluation, nothing saved.

    python ludwig_peer.py DOCUMENTS.npz EPOCHS THREADS
"""

import csv
import importlib.machinery
import importlib.util
import sys
import tempfile
import time
from pathlib import Path

from exchange import BATCH, EMBEDDING, HIDDEN, LEARNING_RATE, Documents, arguments


def settings(epochs: int) -> dict:
    """Return Ludwig's configuration."""
    encoder = {
        "type": "rnn",
        "cell_type": "lstm",
        "bidirectional": True,
        "embedding_size": EMBEDDING,
        "state_size": HIDDEN,
        "num_fc_layers": 0,
        "dropout": 0.0,
    }
    preprocessing = {"tokenizer": "space", "max_sequence_length": None}
    return {
        "input_features": [{"name": "text", "type": "text", "preprocessing": preprocessing, "encoder": encoder}],
        "output_features": [{"name": "topic", "type": "category"}],
        "trainer": {
            "epochs": epochs,
            "batch_size": BATCH,
            "learning_rate": LEARNING_RATE,
            "optimizer": {"type": "adam"},
            "gradient_clipping": {"clipglobalnorm": None},
            # Together these two leave evaluation out: the first, off, would compute metrics at every step instead
            "evaluate_training_set": True,
            "skip_all_evaluation": True,
        },
    }


def write_table(documents: Documents, path: Path) -> None:
    """Write the documents as Ludwig's guide has them: a CSV file with a column of texts and one of classes."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "topic"])
        for index, target in enumerate(documents.targets):
            rows.writerow([" ".join(documents.words(index)), f"class {target}"])


def import_without_cuda() -> None:
    """Let Ludwig be imported beside a torch without CUDA.

    Ludwig imports torchvision and torchaudio even where all is text, and PyPI's wheels of both for Linux hold
    binaries that only a torch with CUDA can load. Without its binary, torchvision is content if two operators are
    declared. Of torchaudio, which is left out of the environment, Ludwig asks nothing here but the version.
    """
    import torch

    vision = Path(importlib.util.find_spec("torchvision").origin).parent
    try:
        torch.ops.load_library(next(vision.glob("_C*")))
    except OSError:
        for name in ("nms", "qnms"):
            schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", schema)
    audio = importlib.util.module_from_spec(importlib.machinery.ModuleSpec("torchaudio", None))
    audio.__version__ = "2.11.0"
    sys.modules["torchaudio"] = audio


def main() -> None:
    """Train, and report each epoch."""
    documents, epochs, threads, report = arguments()
    if len(documents) % BATCH == 1:
        sys.exit(f"{len(documents)} documents leave a last batch of one, which Ludwig drops: give another number")
    import_without_cuda()
    import torch
    from ludwig.api import LudwigModel
    from ludwig.callbacks import Callback

    torch.set_num_threads(threads)

    class Stopwatch(Callback):
        """Times each epoch, and keeps the loss of each step, which Ludwig shows in its progress bar alone."""

        def on_trainer_train_setup(self, trainer, save_path, is_coordinator) -> None:
            train_step = trainer.train_step

            def recorded(inputs: dict, targets: dict, **options: object) -> tuple:
                loss, *rest = train_step(inputs, targets, **options)
                self.losses.append(loss.detach() * len(targets["topic"]))
                return loss, *rest

            trainer.train_step = recorded

        def on_epoch_start(self, trainer, progress_tracker, save_path) -> None:
            self.losses = []
            self.began = time.perf_counter()

        def on_epoch_end(self, trainer, progress_tracker, save_path) -> None:
            seconds = time.perf_counter() - self.began
            loss = float(sum(self.losses)) / len(documents)
            report.epoch(progress_tracker.epoch, seconds, documents.tokens, loss)

    model = LudwigModel(settings(epochs), backend="local", callbacks=[Stopwatch()])
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "documents.csv"
        write_table(documents, table)
        preprocessed = model.preprocess(training_set=str(table), skip_save_processed_input=True)
        model.train(
            training_set=preprocessed.training_set,
            training_set_metadata=preprocessed.training_set_metadata,
            output_directory=folder,
            skip_save_training_description=True,
            skip_save_training_statistics=True,
            skip_save_model=True,
            skip_save_progress=True,
            skip_save_log=True,
        )


if __name__ == "__main__":
    main()
