"""The same texts get the same predictions through every path into a registered model, byte for byte."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow import MlflowException
from mlflow.pyfunc import PyFuncModel, scoring_server
from typer.testing import CliRunner

from carousel.cli.predict import predict
from carousel.registry import registration
from carousel.tasks.classification.predictor import Classifier
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.tracking.store import experiment
from tests.support import networks
from tests.support.registry import Registry

# Every character is a token, and each of these has an id of its own: no change of a text goes unnoticed
CHARACTERS = 'ab []/i日ç\t\r\0\x0b\x0c\x1b\x1c\x85\x9b\u2028\u2029\ufeff😀-"\\'
TEXT = st.text(st.sampled_from(CHARACTERS) | st.characters(exclude_categories=["Cs"]), max_size=12)
APP = typer.Typer()
APP.command()(predict)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    vocabulary = Vocabulary((*SPECIALS, *CHARACTERS))
    model = networks.classifier(len(vocabulary), 2, embedding_size=4, hidden_size=4)
    tokenizer = replace(TOKENIZERS["characters"], normalization=())
    return Classifier(model, tokenizer, vocabulary, ("a", "b"), max_length=16)


@pytest.fixture(scope="module")
def served(registry: Registry, classifier: Classifier) -> PyFuncModel:
    bundle = classifier.to_bundle()
    bundle.save(Path("bundle"))
    with mlflow.start_run(experiment_id=experiment(registry.client, "paths")) as run:
        version, _ = registration.register(registry.client, "paths", bundle, Path("bundle"), run.info.run_id, {})
        registration.complete(registry.client, version, {})
    return mlflow.pyfunc.load_model("models:/paths@challenger")


def over_http(model: PyFuncModel, payload: dict[str, Any]) -> Any:
    """What MLflow's scoring server does with a request."""
    schema = model.metadata.get_input_schema()
    return json.loads(scoring_server.invocations(json.dumps(payload), "application/json", model, schema).response)


def by_command(*arguments: str, stdin: bytes = b"") -> list[dict[str, Any]]:
    result = CliRunner().invoke(APP, ["--bundle", "bundle", "--json", *arguments], input=stdin)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.split("\n")[:-1]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, min_size=1, max_size=5), end=st.sampled_from(["\n", "\r\n"]))
def test_every_path_gives_the_same_answers(
    texts: list[str],
    end: str,
    classifier: Classifier,
    served: PyFuncModel,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    expected = [vars(prediction) for prediction in classifier.predict(texts)]
    ids = list(range(len(texts)))
    for given_ in (
        texts,
        pd.Series(texts, dtype="str"),
        pd.DataFrame({"id": ids, "text": texts}),
        pd.DataFrame({"review": texts}),
        {"text": texts},
    ):
        assert served.predict(given_) == expected
    records = [{"id": i, "text": text} for i, text in enumerate(texts)]
    payloads: list[dict[str, Any]] = [
        {"dataframe_split": {"columns": ["id", "text"], "data": [list(record.values()) for record in records]}},
        {"dataframe_split": {"data": [[text] for text in texts]}},
        {"dataframe_records": records},
    ]
    # the server drops a final NUL, and refuses what may have been a Boolean
    if not any(text.endswith("\0") or text in ("True", "False") for text in texts):
        payloads += [{"inputs": texts}, {"inputs": {"text": texts}}, {"instances": texts}, {"instances": records}]
    for payload in payloads:
        assert over_http(served, payload) == {"predictions": expected}

    predictions = [
        {"text": text, **prediction, "has_known_word": classifier.has_known_word(text)}
        for text, prediction in zip(texts, expected, strict=True)
    ]
    if not any("\0" in text for text in texts):  # no argument can hold it
        assert by_command("--", *texts) == predictions
    if not any("\n" in text or text.endswith("\r") for text in texts):  # these end lines
        content = b"\xef\xbb\xbf" + "".join(text + end for text in texts).encode()
        file = tmp_path_factory.mktemp("texts") / "texts.txt"
        file.write_bytes(content)
        assert by_command("--file", str(file)) == predictions
        assert by_command("--file", "-", stdin=content) == predictions


@pytest.mark.parametrize(
    "payload",
    [
        {"inputs": ["film", None]},
        {"inputs": ["film", 5]},
        {"inputs": ["a film that was longer than any number is", float("nan")]},
        {"inputs": ["a film that was longer than any number is", 5]},
        {"instances": ["film", None]},
        {"instances": [{"text": None}, {"text": "film"}]},
        {"inputs": {"id": ["1"], "review": ["film"]}},
        {"dataframe_split": {"columns": ["text"], "data": [["film"], [None]]}},
        {"dataframe_split": {"columns": ["text"], "data": [["film"], [5]]}},
        {"dataframe_split": {"columns": ["id", "review"], "data": [["1", "film"]]}},
        {"dataframe_records": [{"text": "film"}, {"id": 1}]},
        {"dataframe_records": [{"id": "1", "review": "film"}]},
        {"inputs": ["\ud83d"]},
    ],
    ids=str,
)
def test_the_server_refuses_what_is_no_text_and_says_why(served: PyFuncModel, payload: dict[str, Any]) -> None:
    with pytest.raises(MlflowException, match=r"text \d|which column") as error:
        over_http(served, payload)
    assert error.value.get_http_status_code() == 400
