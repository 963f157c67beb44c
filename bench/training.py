"""Training speed: Carousel's loop beside a tutorial's, on the same documents and model.

The tutorial's loop is the one that most introductions to PyTorch teach: shuffled batches of equal numbers of
documents, `pack_padded_sequence`, Adam, fp32. Both train a bidirectional LSTM, embedding 128, hidden 256, over the
same documents of mixed lengths; a token counts if it is not padding. The two take turns, and the medians of their
rates are compared. The last line is one JSON object.

    python -m bench.training
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from carousel.corpus.encoded import Encoded
from carousel.nn.batch import pad
from carousel.nn.classifier import ClassifierConfig, TextClassifier
from carousel.training.batches import Batches

VOCABULARY, CLASSES, MAX_LENGTH = 10_000, 10, 200
Loader = Callable[[int], Iterator[tuple[Tensor, Tensor, Tensor]]]


class Tutorial(nn.Module):
    """The same layers over a PackedSequence, pooled by maximum and mean like ours."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 128, padding_idx=0)
        self.lstm = nn.LSTM(128, 256, batch_first=True, bidirectional=True)
        self.head = nn.Linear(1024, CLASSES)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, classes) of ids (B, T)."""
        packed = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        outside = (torch.arange(outputs.shape[1]) >= lengths.unsqueeze(1)).unsqueeze(-1)
        largest = outputs.masked_fill(outside, float("-inf")).amax(1)
        return self.head(torch.cat([largest, outputs.sum(1) / lengths.unsqueeze(1)], dim=-1))


def documents(count: int) -> Encoded:
    """Return random documents with log-normal lengths (median 40), as news and reviews have."""
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(np.log(40), 0.9, count), 2, MAX_LENGTH).astype(np.int64)
    return Encoded(
        ids=random.integers(2, VOCABULARY, lengths.sum()).astype(np.int32),
        offsets=np.concatenate([[0], lengths.cumsum()]),
        targets=random.integers(0, CLASSES, count),
        labels=tuple(map(str, range(CLASSES))),
        names=tuple(map(str, range(count))),
    )


def shuffled(encoded: Encoded) -> Loader:
    """Batches of 64 documents in random order."""

    def load(epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        order = np.random.default_rng(epoch).permutation(len(encoded))
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            yield *pad([encoded.document(i) for i in rows]), torch.from_numpy(encoded.targets[rows])

    return load


def bucketed(encoded: Encoded) -> Loader:
    """Carousel's own batches, with about as many documents in each."""
    batches = Batches(encoded, 64 * 64, seed=0, shuffle=True)

    def load(epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        batches.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]
        return iter(batches)

    return load


def rate(model: nn.Module, load: Loader, epoch: int, fused: bool) -> float:
    """Train one epoch, and return real tokens a second."""
    optimizer = torch.optim.AdamW(model.parameters(), fused=fused)
    loss, tokens, began = nn.CrossEntropyLoss(), 0, time.perf_counter()
    for ids, lengths, targets in load(epoch):
        optimizer.zero_grad()
        loss(model(ids, lengths), targets).backward()
        optimizer.step()
        tokens += int(lengths.sum())
    return tokens / (time.perf_counter() - began)


def main() -> None:
    """Compare, print a line a repeat, and end with JSON."""
    parser = argparse.ArgumentParser(description="Training speed beside a tutorial's loop.")
    parser.add_argument("--documents", type=int, default=1500)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    encoded = documents(options.documents)
    config = ClassifierConfig(VOCABULARY, CLASSES, hidden_size=256, dropout=0, embedding_dropout=0, word_dropout=0)
    contenders = {
        "tutorial": (Tutorial(), shuffled(encoded), False),
        "carousel": (TextClassifier(config), bucketed(encoded), True),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    print(f"{encoded.offsets[-1]:,} tokens an epoch, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for repeat in range(options.repeats + 1):
        for name, (model, load, fused) in contenders.items():
            found = rate(model, load, repeat, fused)
            if repeat:  # the first warms up
                rates[name].append(found)
                print(f"repeat {repeat}  {name:<9} {found:>9,.0f} tokens/s", flush=True)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    result = {
        "tokens_per_second": round(medians["carousel"]),
        "tutorial_tokens_per_second": round(medians["tutorial"]),
        "ratio_tutorial": round(medians["carousel"] / medians["tutorial"], 2),
        "threads": torch.get_num_threads(),
        "repeats": options.repeats,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
