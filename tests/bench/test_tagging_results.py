from bench.results import tagging


def row(model, **values):
    return {"set": "snips", "model": model, "seeds": 3, "cpu_minutes": 4.0, **values}


def test_the_page_has_a_line_for_each_metric_of_a_set():
    rows = [
        row("baseline", f1=92.0, intent_accuracy=97.6),
        row("defaults", f1=95.1, f1_std=0.2, intent_accuracy=98.0, intent_accuracy_std=0.1, val_f1=94.9),
    ]
    lines = tagging.page(rows).splitlines()
    assert len(lines) == 4
    assert "| Snips, slots and intents | F1 | 92.00 | **95.10** ± 0.20 | 94.90 | 3 | 4.0 |" in lines
    assert "intent accuracy" in lines[3]
    assert tagging.page([]) == ""


def test_every_set_has_the_three_splits_or_is_built_in():
    for found in tagging.SETS.values():
        assert set(found.splits) in (set(), {"train", "val", "test"})
        assert found.metrics
