import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from bench.results import page, sets, table, workspace
from bench.results.experiment import ablations, experiment, overridden
from bench.results.run import Run
from bench.results.sets import ALL, FOLDS, GROUPS, SETS, members
from bench.results.table import effect, merged, row
from carousel.errors import UserError


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


# Published formats


def test_trecs_coarse_class_is_the_label_and_its_bytes_may_be_old(tmp_path):
    write(
        tmp_path / "trec/train_5500.label",
        "DESC:manner How did it go ?\nLOC:city Where is Bogot\xe1 ?\n".encode("cp1252"),
    )
    write(tmp_path / "trec/raw/TREC.test", "NUM:dist How far ?\n")
    (splits,) = sets.read("trec", tmp_path, False)
    assert splits == {
        "train": [("How did it go ?", "DESC"), ("Where is Bogotá ?", "LOC")],
        "test": [("How far ?", "NUM")],
    }


def test_phrases_are_the_subtrees_that_are_not_neutral(tmp_path):
    for name in ("train", "dev", "test"):
        write(tmp_path / f"sst/stsa.binary.{name}", f"1 a {name} sentence\n0 no\n")
    tree = "(3 (2 It) (4 (2 's) (4 (3 lovely) (1 (2 -LRB-) (0 bad)))))"
    write(tmp_path / "sst/trees/train.txt.gz", gzip.compress(f"{tree}\n".encode()))
    (sentences,), (phrases,) = (sets.read("sst2", tmp_path, wanted) for wanted in (False, True))
    assert sentences["train"] == [("a train sentence", "1"), ("no", "0")]
    assert phrases["train"] == [
        ("it 's lovely -lrb- bad", "1"),
        ("'s lovely -lrb- bad", "1"),
        ("lovely -lrb- bad", "1"),
        ("lovely", "1"),
        ("-lrb- bad", "0"),
        ("bad", "0"),
    ]
    assert all(phrases[split] == sentences[split] for split in ("val", "test"))


def test_folds_divide_the_whole_and_each_has_both_labels(tmp_path):
    write(tmp_path / "mr/rt-polarity.all.utf8", "".join(f"{i // 50} sentence {i}\n" for i in range(100)))
    folds = sets.read("mr", tmp_path, False)
    assert len(folds) == FOLDS
    assert sorted(text for fold in folds for text, _ in fold["test"]) == sorted(f"sentence {i}" for i in range(100))
    for fold in folds:
        assert {label for _, label in fold["test"]} == {"0", "1"}
        assert not set(fold["train"]) & set(fold["test"])
        assert len(fold["train"]) + len(fold["test"]) == 100


def test_imdbs_folders_and_tables_say_the_same(tmp_path):
    for split in ("train", "test"):
        write(tmp_path / f"one/imdb/{split}/neg/0_2.txt", "Bad,<br />very")
        write(tmp_path / f"one/imdb/{split}/pos/0_9.txt", 'A "gem"')
        write(
            tmp_path / f"two/imdb/{split}.csv.gz",
            gzip.compress(b'label,text\r\nneg,"Bad,<br />very"\r\npos,"A ""gem"""\r\n'),
        )
    one, two = (sets.read("imdb", tmp_path / name, False) for name in ("one", "two"))
    assert one == two == [{key: [("Bad,<br />very", "neg"), ('A "gem"', "pos")] for key in ("train", "test")}]


def test_sets_of_tables_and_lines_are_read_as_published(tmp_path):
    for name in ("train", "dev", "test"):
        write(
            tmp_path / f"sib200/deu_Latn/{name}.tsv",
            f'index_id\tcategory\ttext\n7\tpolitics\t"""Roe"" v. {name}"\n8\ttravel\tNach Rom.\n',
        )
        write(
            tmp_path / f"clinc150/{name.replace('dev', 'val')}.csv",
            f'text,intent\r\n"in {name}, say",translate\r\n',
        )
        folder = tmp_path / "snips" / name.replace("dev", "valid")
        write(folder / "seq.in", f"play {name}\nrain ?\n")
        write(folder / "label", "PlayMusic\nGetWeather\n")
    for name in ("training", "test"):
        write(
            tmp_path / f"germeval2018/germeval2018.{name}.txt",
            f'"Na ja, {name}\tOTHER\tOTHER\nDu!\tOFFENSE\tINSULT\n',
        )
    write(
        tmp_path / "chnsenticorp_hotel/ChnSentiCorp_htl_all.csv.gz",
        gzip.compress('\ufefflabel,review\r\n1,"很好, 不错"\r\n0,\r\n'.encode()),
    )
    write(
        tmp_path / "wisesight/wisesight.jsonl.gz",
        gzip.compress('{"text": "ดี\u2028มาก", "label": "pos"}\n'.encode()),
    )
    splits = ("train", "val", "test")
    assert sets.read("sib200_deu", tmp_path, False) == [
        {
            split: [(f'"Roe" v. {name}', "politics"), ("Nach Rom.", "travel")]
            for split, name in zip(splits, ("train", "dev", "test"), strict=True)
        }
    ]
    assert sets.read("clinc150", tmp_path, False)[0]["val"] == [("in dev, say", "translate")]
    assert sets.read("snips", tmp_path, False)[0]["val"] == [("play dev", "PlayMusic"), ("rain ?", "GetWeather")]
    assert sets.read("germeval2018", tmp_path, False) == [
        {
            split: [(f'"Na ja, {name}', "OTHER"), ("Du!", "OFFENSE")]
            for split, name in {"train": "training", "test": "test"}.items()
        }
    ]
    assert sets.read("chnsenticorp_hotel", tmp_path, False) == [{ALL: [("很好, 不错", "1"), ("", "0")]}]
    assert sets.read("wisesight", tmp_path, False) == [{ALL: [("ดี\u2028มาก", "pos")]}]


def test_a_groups_name_stands_for_its_sets():
    assert members("trec") == ["trec"]
    assert len(members("sib200")) == 10
    assert not set(GROUPS) & set(SETS)
    assert {found.group for found in SETS.values()} == {None, *GROUPS}


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(UserError, match=r"mr: no such folder; docs/results\.md says what it holds"):
        sets.read("mr", tmp_path, False)
    (tmp_path / "trec").mkdir()
    with pytest.raises(UserError, match=r"trec: has no train_5500\.label or raw/TREC\.train"):
        sets.read("trec", tmp_path, False)


# Experiments


def test_the_committed_experiments_fit_the_committed_params():
    for name in SETS:
        found = experiment(name)
        assert found.set == name
        overridden(found.params, name)
    found_ablations = ablations()
    for name, ablation in found_ablations.ablations.items():
        overridden(ablation.params, name)
    assert not set(found_ablations.ablations) & set(found_ablations.dropped)


def test_overrides_may_be_dotted_or_nested():
    dotted = overridden({"model.layers": 2, "train.epochs": 3}, "x.yaml")
    assert dotted == overridden({"model": {"layers": 2}, "train": {"epochs": 3}}, "x.yaml")
    assert (dotted.model.layers, dotted.train.epochs) == (2, 3)
    assert dotted.model.dropout == overridden({}, "x.yaml").model.dropout


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"model.layerz": 2}, r"x\.yaml: model\.layerz: unknown key; did you mean model\.layers\?"),
        ({"data.path": "a"}, r"x\.yaml: params\.data\.path: an experiment changes the model, not data"),
        ({"model": 2}, r"x\.yaml: params\.model: should be a mapping"),
    ],
)
def test_a_wrong_override_is_one_line(params, message):
    with pytest.raises(UserError, match=message):
        overridden(params, "x.yaml")


# The workspace


def test_the_stages_run_on_a_set_once(tmp_path, monkeypatch):
    monkeypatch.setattr(workspace, "KEPT", tmp_path / "kept")
    lines = "".join(f"{'ABCD'[i % 2]}:x word{i % 2} number {i}\n" for i in range(60))
    write(tmp_path / "trec/train_5500.label", lines)
    write(tmp_path / "trec/TREC_10.label", "A:x word0 number 0\nB:x word1 new\n")
    params = overridden({}, "x.yaml")
    folder, digest = workspace.prepare("trec", 0, params, tmp_path, phrases=False)
    test, train = (pl.read_parquet(folder / f"data/prepared/{name}.parquet") for name in ("test", "train"))
    assert test["text"].to_list() == ["word0 number 0", "word1 new"]
    assert "word0 number 0" not in train["text"].to_list()
    assert (folder / "data/encoded/val/ids.values.npy").exists()
    monkeypatch.setattr(workspace, "STAGES", ("none",))  # or they would run again
    assert workspace.prepare("trec", 0, params, tmp_path, phrases=False) == (folder, digest)
    other = overridden({"vocab.min_count": 1}, "x.yaml")
    with pytest.raises(UserError, match="stage none failed"):
        workspace.prepare("trec", 0, other, tmp_path, phrases=False)


def test_a_set_without_splits_is_divided_by_the_pipeline(tmp_path, monkeypatch):
    monkeypatch.setattr(workspace, "KEPT", tmp_path / "kept")
    lines = "".join(f'{{"text": "word{i % 2} number {i}", "label": "{"ab"[i % 2]}"}}\n' for i in range(60))
    write(tmp_path / "wisesight/wisesight.jsonl", lines)
    folder, _ = workspace.prepare("wisesight", 0, overridden({}, "x.yaml"), tmp_path, phrases=False)
    assert pl.read_parquet(folder / "data/prepared/test.parquet").height == 12  # a fifth


# The table and the page


RUNS = [Run(0.8, 0.9, 2.0, ""), Run(0.6, 0.7, 4.0, "")]
FULL = [Run(0.8, 0.9, 2.0, "C=1", 0.8, 0.02, 41000.0), Run(0.6, 0.7, 4.0, "C=1", 0.6, 0.04, 43000.0)]


def without_new_columns(found):
    """Return a row as older versions wrote it."""
    new = ("macro_f1", "out_of_vocabulary", "tokens_per_second", "detail")
    return {key: value for key, value in found.items() if key not in new}


def test_a_row_has_mean_and_deviation_in_percent():
    found = row("trec", "tuned", RUNS, 2, 1)
    assert (found["mean"], found["std"], found["seeds"], found["minutes"]) == (80.0, 14.142, 2, 3.0)
    assert row("trec", "linear", RUNS[:1], 1, 1)["std"] == 0.0
    assert (found["macro_f1"], found["out_of_vocabulary"], found["tokens_per_second"]) == (None, None, None)
    found = row("trec", "tuned", FULL, 2, 1)
    assert (found["macro_f1"], found["out_of_vocabulary"], found["tokens_per_second"]) == (70.0, 3.0, 42000)
    assert found["detail"] == "C=1"


@pytest.mark.parametrize(
    ("cores", "words"), [(1, "P, 1 core, Python 3, torch 2"), (2, "P, 2 cores, Python 3, torch 2")]
)
def test_a_row_says_where_it_was_measured(monkeypatch, cores, words):
    here = {"date": "today", "processor": "P", "cores": cores, "python": "3", "torch": "2"}
    monkeypatch.setattr(table, "machine", lambda: here)
    found = row("trec", "tuned", RUNS, 2, 1)
    assert (found["machine"], found["date"]) == (words, "today")


def test_an_effect_is_of_the_same_seeds_on_validation():
    found = effect("wide", "trec", RUNS, [Run(0.5, None, 1.0, ""), Run(0.7, None, 1.0, "")], "")
    assert (found["effect"], found["val"], found["times"]) == (10.0, 70.0, 3.0)


def test_new_rows_take_the_place_of_old_ones():
    old = [row("trec", "tuned", RUNS[:1], 1, 1), row("mr", "tuned", RUNS, 1, 10)]
    new = [row("trec", "tuned", RUNS, 2, 1)]
    assert merged(old, new, "set", "model") == [new[0], old[1]]


def test_the_page_keeps_what_people_wrote(tmp_path, monkeypatch):
    path = tmp_path / "results.md"
    path.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", "utf-8")
    monkeypatch.setattr(page, "PAGE", path)
    rows = [row("trec", "tuned", RUNS, 2, 1)]
    ablation = effect("wide", "trec", RUNS, RUNS, "no gain")
    page.write(json.loads(json.dumps({"rows": rows, "ablations": [ablation]})))
    content = path.read_text("utf-8")
    assert content.startswith(f"before\n{page.BEGIN}")
    assert content.endswith(f"{page.END}\nafter\n")
    assert "old" not in content
    assert "| Carousel, tuned | **80.0** ± 14.1 |  |  |  |  | 2 | 3.0 |" in content
    assert "| published: BLSTM (Zhou et al. 2016) | 93.0 |  |  |  |  |  |  |" in content
    assert "| wide | +0.0 | 2 | 1.0 | no gain |" in content


def test_a_row_says_how_far_it_is_above_the_baseline():
    linear = row("germeval2018", "linear", [Run(0.5, 0.75, 0.1, "C=1", 0.69)], 1, 1)
    content = page.measured({"rows": [linear, row("germeval2018", "defaults", FULL, 2, 1)], "ablations": []})
    assert "| Carousel, defaults | **80.0** ± 14.1 | 70.0 | +5.0 / +1.0 | 3.0 % | 42,000 | 2 | 3.0 |" in content
    assert "| TF-IDF, linear SVM | **75.0** | 69.0 |  |  |  | 1 | 0.1 |" in content
    assert "| published: best of the shared task (Wiegand et al. 2018) |  | 76.8 |  |  |  |  |  |" in content


def test_older_rows_have_empty_cells():
    linear = row("trec", "linear", [Run(0.5, 0.75, 0.1, "C=1", 0.69)], 1, 1)
    old = without_new_columns(row("trec", "defaults", RUNS, 2, 1))
    content = page.measured({"rows": [linear, old], "ablations": []})
    assert "| Carousel, defaults | **80.0** ± 14.1 |  | +5.0 |  |  | 2 | 3.0 |" in content
    content = page.measured({"rows": [without_new_columns(linear), old], "ablations": []})
    assert "| TF-IDF, linear SVM | **75.0** |  |  |  |  | 1 | 0.1 |" in content


def test_a_groups_sets_share_a_table_with_their_mean():
    names = members("sib200")
    linear = [row(name, "linear", [Run(0.5, 0.7, 0.1, "C=1", 0.6)], 1, 1) for name in names]
    ours = [row(name, "defaults", FULL, 2, 1) for name in names]
    content = page.measured({"rows": [*linear, *ours], "ablations": []})
    assert content.count("### ") == 1
    assert "| German | **80.0** ± 14.1 / 70.0 (+10.0 / +10.0) | **70.0** / 60.0 |" in content
    assert content.endswith("| mean | **80.0** / 70.0 (+10.0 / +10.0) | **70.0** / 60.0 |")
    part = page.measured({"rows": [*linear, *map(without_new_columns, ours[1:])], "ablations": []})
    assert "| Chinese | **80.0** ± 14.1 / ? (+10.0) | **70.0** / 60.0 |" in part
    assert part.endswith("| mean |  | **70.0** / 60.0 |")  # a mean over fewer sets would compare with nothing


def test_minutes_of_several_machines_say_of_which():
    one, two = (row("trec", model, RUNS, 2, 1) for model in ("tuned", "defaults"))
    assert f"Measured on {one['machine']}. The last row is of {one['date']}." in page.measured(
        {"rows": [one, two], "ablations": []}
    )
    other = {**two, "machine": "an abacus", "date": "2000-01-01"}
    content = page.measured({"rows": [one, other], "ablations": []})
    assert f"Measured on a: {one['machine']}; b: an abacus. The last row is of {one['date']}." in content
    assert "| Carousel, tuned | **80.0** ± 14.1 |  |  |  |  | 2 | 3.0 a |" in content
    assert "| Carousel, defaults | **80.0** ± 14.1 |  |  |  |  | 2 | 3.0 b |" in content


def test_an_ablations_line_has_every_set_and_reported_and_dropped_ones_come_last():
    gone = {
        "ablation": "gone",
        "set": "mr",
        "val": None,
        "effect": -0.75,
        "std": 0.0,
        "seeds": 3,
        "times": None,
        "note": "",
        "dropped": True,
    }
    reported = {**gone, "ablation": "kept", "effect": 0.5, "dropped": False}
    rows = [
        gone,
        {**gone, "set": "trec", "effect": -0.02},
        reported,
        *[effect("wide", name, RUNS, RUNS[:1], "so") for name in ("trec", "stdlib_docs")],
    ]
    content = page.measured({"rows": [], "ablations": rows})
    assert content.endswith(
        "| ablation | stdlib_docs | trec | mr | seeds | time |  |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| wide | -10.0 | -10.0 |  | 2 | 3.0 | so |\n"
        "| kept |  |  | +0.5 | 3 |  |  |\n"
        "| gone (dropped) |  | +0.0 | -0.8 | 3 |  |  |"
    )


def test_the_committed_page_has_the_marks():
    content = Path("docs/results.md").read_text("utf-8")
    assert content.index(page.BEGIN) < content.index(page.END)
