"""The data sets, read in the formats in which they are published.

Nothing of them is in the repository. docs/results.md says where each comes from.
"""

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from carousel.errors import UserError

Rows = list[tuple[str, str]]  # (text, label)
Splits = dict[str, Rows]  # train, test, and val where the set has one; or `ALL` alone where it has none

ALL = "all"  # the pipeline divides these rows as it divides any file without splits: a fifth is for test
FOLDS = 10  # of a set that is scored by cross-validation
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
        published_macro_f1: likewise, test macro-F1 in percent.
        group: a key of `GROUPS`, whose sets are reported together.
    """

    title: str
    published: dict[str, float]
    read: Callable[[Path, bool], list[Splits]] | None
    folds: int = 1
    published_macro_f1: dict[str, float] = field(default_factory=dict)
    group: str | None = None


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
            splits[split] = _columns(folder, f"{split}.csv", "text", "label")
    return [splits]


def _sib200(folder: Path, _phrases: bool) -> list[Splits]:
    """Read tables of a language's sentences, as published."""
    return [
        {
            split: _columns(folder, f"{name}.tsv", "text", "category", delimiter="\t")
            for split, name in {"train": "train", "val": "dev", "test": "test"}.items()
        }
    ]


def _clinc150(folder: Path, _phrases: bool) -> list[Splits]:
    """Read tables of `text` and `intent`."""
    return [{split: _columns(folder, f"{split}.csv", "text", "intent") for split in ("train", "val", "test")}]


def _snips(folder: Path, _phrases: bool) -> list[Splits]:
    """Read a file of tokens and a file of intents, aligned by line."""
    return [
        {
            split: list(zip(_lines(folder, f"{name}/seq.in"), _lines(folder, f"{name}/label"), strict=True))
            for split, name in {"train": "train", "val": "valid", "test": "test"}.items()
        }
    ]


def _germeval2018(folder: Path, _phrases: bool) -> list[Splits]:
    """Read lines of text, label of task 1 and label of task 2, separated by tabs and without quoting."""
    splits = {}
    for split, name in {"train": "training", "test": "test"}.items():
        lines = [line.split("\t") for line in _lines(folder, f"germeval2018.{name}.txt")]
        splits[split] = [(text, task_1) for text, task_1, _ in lines]
    return [splits]


def _chnsenticorp_hotel(folder: Path, _phrases: bool) -> list[Splits]:
    """Read a table of `label` and `review` without splits."""
    return [{ALL: _columns(folder, "ChnSentiCorp_htl_all.csv", "review", "label")}]


def _wisesight(folder: Path, _phrases: bool) -> list[Splits]:
    """Read JSON lines without splits."""
    rows = (json.loads(line) for line in _lines(folder, "wisesight.jsonl"))
    return [{ALL: [(row["text"], row["label"]) for row in rows]}]


def _columns(folder: Path, file: str, text: str, label: str, delimiter: str = ",") -> Rows:
    table = csv.DictReader(io.StringIO("\n".join(_lines(folder, file)), newline=""), delimiter=delimiter)
    return [(row[text], row[label]) for row in table]


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
                text = content.decode("utf-8-sig")  # a byte order mark is not text
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
    "clinc150": Set(
        title="CLINC150 questions, 150 intents",
        published={
            f"{name} (Larson et al. 2019)": accuracy
            for name, accuracy in {"SVM": 91.0, "CNN": 91.2, "MLP": 93.5, "BERT": 96.9}.items()
        },
        read=_clinc150,
    ),
    "snips": Set(
        title="SNIPS commands, 7 intents",
        published={
            "BiLSTM with slot gates (Goo et al. 2018)": 97.0,
            "SF-ID, BiLSTM (E et al. 2019)": 97.4,
        },
        read=_snips,
    ),
    "germeval2018": Set(
        title="GermEval 2018, German tweets, offensive or not",
        published={},
        published_macro_f1={"best of the shared task (Wiegand et al. 2018)": 76.8},
        read=_germeval2018,
    ),
    "chnsenticorp_hotel": Set(title="ChnSentiCorp, Chinese hotel reviews", published={}, read=_chnsenticorp_hotel),
    "wisesight": Set(title="Wisesight, Thai social media, 4 classes", published={}, read=_wisesight),
}
GROUPS = {"sib200": "SIB-200, the same sentences in ten languages, 7 topics"}
FOLDERS = {"sst2": "sst"}  # where it is not the set's own name

_LANGUAGES = {
    "arb_Arab": "Arabic",
    "deu_Latn": "German",
    "eng_Latn": "English",
    "hin_Deva": "Hindi",
    "jpn_Jpan": "Japanese",
    "kor_Hang": "Korean",
    "rus_Cyrl": "Russian",
    "tha_Thai": "Thai",
    "tur_Latn": "Turkish",
    "zho_Hans": "Chinese",
}
for _folder, _language in _LANGUAGES.items():
    _name = f"sib200_{_folder[:3]}"
    SETS[_name] = Set(title=_language, published={}, read=_sib200, group="sib200")
    FOLDERS[_name] = f"sib200/{_folder}"


def members(name: str) -> list[str]:
    """Return the sets of a group, or the set itself."""
    return [name] if name in SETS else [key for key, found in SETS.items() if found.group == name]


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
