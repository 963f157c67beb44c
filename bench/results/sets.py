"""The data sets, read in the formats in which they are published.

Nothing of them is in the repository. docs/results.md says where each comes from.
"""

import csv
import gzip
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from carousel.errors import UserError

Rows = list[tuple[str, str]]  # (text, label)
Splits = dict[str, Rows]  # train, test, and val where the set has one

FOLDS = 10  # of a set without a test split
_NODE = re.compile(r"\((\d)|([^()\s]+)\)|\)")  # of a tree: an opening with its label; a word; a further closing


@dataclass(frozen=True)
class Set:
    """A data set.

    Attributes:
        title: what a reader knows it as.
        published: recurrent models' test accuracies in percent, and who reports them.
        read: from the set's folder, and whether phrases are wanted, to the splits of each fold; None is the
            pipeline's own source.
        folds: of cross-validation; 1 for a set with a test split.
    """

    title: str
    published: dict[str, float]
    read: Callable[[Path, bool], list[Splits]] | None
    folds: int = 1


def _trec(folder: Path, _phrases: bool) -> list[Splits]:
    """Read `COARSE:fine question` lines; the coarse class is the label."""
    splits = {}
    for split, names in {
        "train": ("train_5500.label", "raw/TREC.train"),
        "test": ("TREC_10.label", "raw/TREC.test"),
    }.items():
        lines = [line.split(" ", 1) for line in _lines(folder, *names)]
        splits[split] = [(text, label.partition(":")[0]) for label, text in lines]
    return [splits]


def _sst2(folder: Path, phrases: bool) -> list[Splits]:
    """Read `0 sentence` lines; with phrases, train has every subtree that is not neutral, as Tai et al. 2015."""
    splits = {
        split: [_labelled(line) for line in _lines(folder, f"stsa.binary.{name}")]
        for split, name in {"train": "train", "val": "dev", "test": "test"}.items()
    }
    if phrases:
        trees = _lines(folder, "trees/train.txt")
        splits["train"] = [
            (text, str(int(label > 2))) for tree in trees for label, text in _subtrees(tree) if label != 2
        ]
    return [splits]


def _mr(folder: Path, _phrases: bool) -> list[Splits]:
    """Read `0 sentence` lines, and make each tenth a test split in its turn.

    Folds are equal in labels, and depend on the sentences alone.
    """
    rows = [_labelled(line) for line in _lines(folder, "rt-polarity.all")]
    by_label = sorted(rows, key=lambda row: (row[1], hashlib.sha256(row[0].encode()).hexdigest()))
    return [
        {
            "train": [row for i, row in enumerate(by_label) if i % FOLDS != fold],
            "test": by_label[fold::FOLDS],
        }
        for fold in range(FOLDS)
    ]


def _imdb(folder: Path, _phrases: bool) -> list[Splits]:
    """Read one file a review, as published, or the same as two CSV files."""
    splits = {}
    for split in ("train", "test"):
        if (folder / split).is_dir():
            splits[split] = [
                (file.read_text("utf-8"), label)
                for label in ("neg", "pos")
                for file in sorted((folder / split / label).glob("*.txt"))
            ]
        else:
            table = csv.DictReader(io.StringIO("\n".join(_lines(folder, f"{split}.csv"))))
            splits[split] = [(row["text"], row["label"]) for row in table]
    return [splits]


def _labelled(line: str) -> tuple[str, str]:
    label, _, text = line.partition(" ")
    return text, label


def _subtrees(tree: str) -> Iterator[tuple[int, str]]:
    """Yield the label (0 to 4, 2 is neutral) and the words of every node of a bracketed tree, the root first.

    Words are in lower case, as in the files of sentences.
    """
    words: list[str] = []
    nodes: list[tuple[int, int, int]] = []  # the label, and the words before its begin and its end
    opened: list[int] = []
    for label, word in _NODE.findall(tree):
        if label:
            opened.append(len(nodes))
            nodes.append((int(label), len(words), 0))
            continue
        if word:
            words.append(word.lower())
        node = opened.pop()
        nodes[node] = (*nodes[node][:2], len(words))
    for label, begin, end in nodes:
        yield label, " ".join(words[begin:end])


def _lines(folder: Path, *names: str) -> list[str]:
    """Return the lines of the first file that is there; each may be gzip-compressed, or converted (`.utf8`).

    Raises:
        UserError: when none is.
    """
    for path in (folder / f"{name}{ending}" for name in names for ending in ("", ".utf8", ".gz")):
        if path.is_file():
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            try:
                text = content.decode("utf-8")
            except UnicodeDecodeError:
                text = content.decode("cp1252")  # as TREC and MR were published
            return text.removesuffix("\n").split("\n")
    raise UserError(
        f"{folder}: has no {' or '.join(names)}; docs/results.md says where to get it, --only leaves the set out"
    )


SETS = {
    "stdlib_docs": Set(
        title="Standard-library documentation, 11 topics",
        published={"TF-IDF, logistic regression (where the project began)": 84.1, "fastText (likewise)": 81.1},
        read=None,
    ),
    "trec": Set(
        title="TREC questions, 6 classes",
        published={"BLSTM (Zhou et al. 2016)": 93.0, "BLSTM-2DCNN, pretrained vectors (Zhou et al. 2016)": 96.1},
        read=_trec,
    ),
    "sst2": Set(
        title="SST-2 sentences; all learn from the labelled phrases, too",
        published={
            "LSTM, phrases and vectors (Tai et al. 2015)": 84.9,
            "BiLSTM, phrases and vectors (Tai et al. 2015)": 87.5,
        },
        read=_sst2,
    ),
    "mr": Set(
        title="Movie review sentences, 10 folds",
        published={"BLSTM, vectors (Zhou et al. 2016)": 80.0, "SA-LSTM, unlabelled data (Dai & Le 2015)": 83.3},
        read=_mr,
        folds=FOLDS,
    ),
    "imdb": Set(
        title="IMDB reviews",
        published={
            "LSTM (Dai & Le 2015)": 86.5,
            "SA-LSTM, unlabelled data (Dai & Le 2015)": 92.8,
            "oh-LSTM, unlabelled data (Johnson & Zhang 2016)": 94.1,
        },
        read=_imdb,
    ),
}
FOLDERS = {"sst2": "sst"}  # where it is not the set's own name


def read(name: str, data: Path, phrases: bool) -> list[Splits]:
    """Return the splits of each fold of a set that has files.

    Args:
        name: a key of `SETS`.
        data: the folder of all sets.
        phrases: whether to learn from labelled phrases, too.

    Raises:
        UserError: when a file is missing.
    """
    reader = SETS[name].read
    assert reader is not None
    folder = data / FOLDERS.get(name, name)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; docs/results.md says what it holds, --only leaves the set out")
    return reader(folder, phrases)
