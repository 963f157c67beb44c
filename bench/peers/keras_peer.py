"""Keras 3 on JAX: `Bidirectional(LSTM)`, pooled by maximum and mean.

The mean leaves padding out, by Keras's mask. The maximum cannot: it also sees what the layer returns for padded
steps, which is the last real output going forward and zero going backward.

Chosen for speed: `jit_compile`, and batches of documents of about one length, padded to one of twelve lengths. JAX
compiles once for each shape, and as a bucket keeps its documents, all shapes are met in the first epoch.

    python keras_peer.py DOCUMENTS.npz EPOCHS THREADS
"""

import math
import os
import time

import numpy as np
from exchange import BATCH, EMBEDDING, HIDDEN, LEARNING_RATE, Documents, arguments

BUCKETS = int(os.environ.get("BUCKETS", "12"))  # 1 pads every document to the longest, as introductions do


def buckets(documents: Documents) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (ids, targets) of each bucket of documents of about one length, ids padded with 0 to its longest.

    A bucket holds a whole number of batches, the last one excepted, so that no epoch is spent on small remainders.
    """
    order = np.argsort(documents.lengths, kind="stable")
    size = BATCH * math.ceil(len(order) / BATCH / BUCKETS)
    made = []
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        ids = np.zeros((len(rows), documents.lengths[rows[-1]]), np.int32)
        for row, index in enumerate(rows):
            ids[row, : documents.lengths[index]] = documents.document(index)
        made.append((ids, documents.targets[rows].astype(np.int32)))
    return made


def main() -> None:
    """Train, and report each epoch."""
    documents, epochs, threads, report = arguments()
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_PLATFORMS"] = "cpu"
    # XLA has no option for its number of threads: it starts one for each core that the process may use
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import keras

    class Batches(keras.utils.PyDataset):
        """Batches in random order, each from one bucket; a bucket is shuffled anew each epoch."""

        def __init__(self) -> None:
            super().__init__()
            self.random = np.random.default_rng(0)
            self.buckets = buckets(documents)
            self.on_epoch_end()

        def __len__(self) -> int:
            return len(self.batches)

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            bucket, rows = self.batches[index]
            ids, targets = self.buckets[bucket]
            return ids[rows], targets[rows]

        def on_epoch_end(self) -> None:
            batches = []
            for bucket, (ids, _) in enumerate(self.buckets):
                order = self.random.permutation(len(ids))
                batches += [(bucket, order[start : start + BATCH]) for start in range(0, len(ids), BATCH)]
            self.batches = [batches[index] for index in self.random.permutation(len(batches))]

    class Stopwatch(keras.callbacks.Callback):
        """Times each epoch."""

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            seconds = time.perf_counter() - self.began
            report.epoch(epoch + 1, seconds, documents.tokens, float(logs["loss"]))

    ids = keras.Input((None,), dtype="int32")  # (B, T)
    embedded = keras.layers.Embedding(int(documents.ids.max()) + 1, EMBEDDING, mask_zero=True)(ids)  # (B, T, E)
    outputs = keras.layers.Bidirectional(keras.layers.LSTM(HIDDEN, return_sequences=True))(embedded)  # (B, T, 2H)
    largest = keras.layers.GlobalMaxPooling1D()(outputs)  # (B, 2H)
    mean = keras.layers.GlobalAveragePooling1D()(outputs)  # (B, 2H)
    pooled = keras.layers.Concatenate()([largest, mean])  # (B, 4H)
    logits = keras.layers.Dense(int(documents.targets.max()) + 1)(pooled)  # (B, classes)
    model = keras.Model(ids, logits)
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=True,
    )
    model.fit(Batches(), epochs=epochs, verbose=0, callbacks=[Stopwatch()])


if __name__ == "__main__":
    main()
