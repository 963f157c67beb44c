import json
from pathlib import Path

import pytest

from carousel.errors import UserError
from carousel.registry import cases
from carousel.registry.cases import Case
from tests.support.registry import small_classifier


def test_yaml_and_jsonl_hold_the_same_cases(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text("- text: the dog\n  label: animals\n- same: [an oak, An oak]\n")
    (tmp_path / "cases.jsonl").write_text(
        '{"text": "the dog", "label": "animals"}\n\n{"same": ["an oak", "An oak"]}\n'
    )
    expected = [Case(text="the dog", label="animals"), Case(same=["an oak", "An oak"])]
    assert cases.load(tmp_path / "cases.yaml") == cases.load(tmp_path / "cases.jsonl") == expected


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_line_feeds_end_a_line_of_jsonl(tmp_path: Path, separator: str, end: str) -> None:
    entry = {"text": f"one{separator}two", "label": f"a{separator}b"}
    # JSON may hold these as they are, but control characters as escapes alone
    line = json.dumps(entry, ensure_ascii=separator < " ")
    for name in ("cases.jsonl", "cases.NDJSON"):
        (tmp_path / name).write_bytes(f"\ufeff{line}{end}{end}{line}".encode())
        assert cases.load(tmp_path / name) == [Case(**entry)] * 2


def test_yaml_keeps_every_text_or_says_that_it_does_not(tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text('- {text: "one\u2028two", label: "[/i]"}\n- {text: "a\\Nb", label: x}\n')
    assert cases.load(path) == [Case(text="one\u2028two", label="[/i]"), Case(text="a\x85b", label="x")]
    path.write_bytes('- text: "one\x85two"\n  label: x\n'.encode())
    with pytest.raises(UserError, match=r"has U\+0085, which YAML does not keep"):
        cases.load(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.yaml", "", "should be a list of cases"),
        ("a.yaml", "text: one\n", "should be a list of cases"),
        ("a.yaml", "- text: one\n", "case 1: a case has `text` and `label`, or `same`"),
        ("a.yaml", "- {text: one, label: x, same: [a, b]}\n", "case 1: a case has"),
        ("a.yaml", "- {text: one, label: x}\n- {same: [a]}\n", "case 2: same: List should have at least 2 items"),
        ("a.yaml", "- {text: one, lable: x}\n", "case 1: lable: Extra inputs"),
        ("a.jsonl", '{"text": "one", "label": "x"}\n{"text"\n', "line 2: not valid JSON"),
        ("a.jsonl", "[" * 100_000, "line 1: JSON that cannot be read"),
        ("a.jsonl", '{"text": ' + "9" * 5000 + "}", "line 1: JSON that cannot be read"),
        ("a.jsonl", '{"text": NaN, "label": "x"}', "case 1: text: Input should be a valid string"),
        ("a.jsonl", '{"text": 5, "label": "x"}', "case 1: text: Input should be a valid string"),
        ("a.jsonl", r'{"text": "\ud83d", "label": "x"}', "case 1: half of a surrogate pair"),
        ("a.yaml", "- " + "[" * 1000, "a.yaml: YAML that cannot be read"),
        ("a.yaml", "- {text: " + "9" * 5000 + ", label: x}", "a.yaml: YAML that cannot be read"),
        ("a.yaml", "- text: a\x00b\n  label: x\n", "a.yaml: not valid YAML: unacceptable character"),
        ("a.yaml", r'- {text: "\ud83d", label: x}', "case 1: half of a surrogate pair"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_the_case(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError) as error:
        cases.load(tmp_path / name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.jsonl"):
        with pytest.raises(UserError, match=r"promotion\.cases names it"):
            cases.load(tmp_path / name)


def test_each_wrong_answer_is_told_with_its_place() -> None:
    classifier = small_classifier(0)
    said = {text: classifier.predict([text])[0].label for text in ("the dog", "oak", "the the the oak oak")}
    wrong = next(label for label in classifier.labels if label != said["the dog"])
    checked = cases.check(
        classifier,
        [
            Case(text="the dog", label=said["the dog"]),
            Case(same=["the dog", "The DOG"]),
            Case(text="the dog", label=wrong),
            Case(text="oak", label="a label that the model does not know"),
        ],
    )
    assert checked.cases == 4
    assert [sentence.split(":")[0] for sentence in checked.wrong] == ["case 3", "case 4"]
    assert checked.wrong[0] == f"case 3: 'the dog' is {said['the dog']}, not {wrong}"


def test_texts_that_get_different_labels_are_no_invariance() -> None:
    for seed in range(50):
        classifier = small_classifier(seed)
        texts = ["the dog", "oak", "the", "dog dog oak"]
        labels = [prediction.label for prediction in classifier.predict(texts)]
        if len(set(labels)) == 2:
            break
    checked = cases.check(classifier, [Case(same=texts)])
    assert len(checked.wrong) == 1
    assert checked.wrong[0].startswith("case 1: 'the dog' is ")
