"""A URL's secrets reach no text but what `reveal` returns."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from carousel.params import replace
from carousel.tasks.classification.params import Params, Sweep
from carousel.url import Url, redact

PASSWORD = "S3CRET"

WITH_A_SECRET = {  # and what is shown
    f"postgresql://me:{PASSWORD}@db/x": "postgresql://me:***@db/x",
    f"POSTGRESQL+psycopg://me:{PASSWORD}@db:5432/x": "POSTGRESQL+psycopg://me:***@db:5432/x",
    f"postgresql://me:a%40{PASSWORD}%2F@[::1]:5432/x": "postgresql://me:***@[::1]:5432/x",
    f"postgresql://me:a@{PASSWORD}@db/x": "postgresql://me:***@db/x",
    f"postgresql://me:a:{PASSWORD}@db/x": "postgresql://me:***@db/x",
    f"postgresql://db/x?user=me&password={PASSWORD}": "postgresql://db/x?user=me&password=***",
    f"postgresql://db/x?sslpassword={PASSWORD}&sslmode=require": "postgresql://db/x?sslpassword=***&sslmode=require",
    f"postgresql://db/x?options=-c%20app.secret%3D{PASSWORD}": "postgresql://db/x?options=***",
    f"https://me:{PASSWORD}@mlflow.example/base": "https://me:***@mlflow.example/base",
    f"https://{PASSWORD}@mlflow.example": "https://***@mlflow.example",
    f"https://mlflow.example/?token={PASSWORD}": "https://mlflow.example/?token=***",
    f"mysql+pymysql://me:{PASSWORD}@db/x?charset=utf8": "mysql+pymysql://me:***@db/x?charset=utf8",
    # malformed: whatever may be a password is masked
    f"postgresql://me:a/{PASSWORD}@db/x": "postgresql://me:***@db/x",
    f"postgresql://me:1/{PASSWORD}@db/x": "postgresql://me:***@db/x",
    f"postgresql://me:a?{PASSWORD}@db/x": "postgresql://me:***@db/x",
    f"postgresql://me:a#{PASSWORD}@db/x": "postgresql://me:***@db/x",
    f"postgresql://me:{PASSWORD}": "postgresql://me:***",
    f"postgresql://me:{PASSWORD}/x": "postgresql://me:***/x",
    f"postgresql//me:{PASSWORD}@db/x": "postgresql//me:***@db/x",
    f"postgresql:/me:{PASSWORD}@db/x": "postgresql:***@db/x",
    f"me:{PASSWORD}@db/x": "me:***@db/x",
    f"host=db user=me password={PASSWORD}": "host=db user=me password=***",
}
WITHOUT = [
    "postgresql://db/x",
    "postgresql://me@db:5432/x",
    "postgresql:///x?host=/tmp&user=me%40example",
    "postgresql://db/x?options=-csearch_path%3Dsweeps",
    "sqlite:////home/what now%3F/a:b@c/mlflow.db",
    "http://127.0.0.1:5000",
    "https://mlflow.example/@me",
    "file:///home/me:you@here/mlruns",
    "databricks://scope:prefix",
    "databricks",
]


@pytest.mark.parametrize("value", WITH_A_SECRET)
def test_a_secret_is_masked_in_every_form_but_the_revealed_one(value: str) -> None:
    url = Url(value)
    assert url.has_secret
    assert str(url) == format(url) == f"{url}" == WITH_A_SECRET[value]
    for text in (
        repr(url),
        repr([url]),
        repr({"url": url}),
        f"{url!r:>3}",
        str([url]),
        redact(f"cannot use {value}!"),
    ):
        assert PASSWORD not in text
    assert PASSWORD in url.reveal()


@pytest.mark.parametrize("value", WITHOUT)
def test_a_url_without_a_secret_is_shown_whole(value: str) -> None:
    url = Url(value)
    assert str(url) == url.reveal() == value
    assert not url.has_secret


@pytest.mark.parametrize("value", WITH_A_SECRET)
def test_params_with_a_secret_are_shown_and_saved_without_it(value: str) -> None:
    sweep = Sweep(storage=Url(value))
    assert Sweep(storage=value) == sweep
    params = replace(Params(sweep=sweep), {"train.seed": 3})
    assert params.sweep.storage == Url(value)
    for shown in (repr(params), str(params), json.dumps(params.model_dump(mode="json")), params.model_dump_json()):
        assert PASSWORD not in shown
    assert PASSWORD not in repr(params.model_dump())
    assert copy.deepcopy(sweep).storage == Url(value)
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(sweep)


anything = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@given(
    st.sampled_from(
        ["postgresql://", "postgresql+psycopg://", "http://", "mysql://", "nosuch://", "postgresql//", ""]
    ),
    anything,
    anything,
    st.sampled_from(["@db", "@db:5432/x", "@[::1]/x?sslmode=require", "@db/x?user=a@b", "@/x", "@db:port"]),
)
def test_no_password_is_shown_whatever_surrounds_it(scheme: str, before: str, after: str, rest: str) -> None:
    for user in ("me", ""):
        url = Url(f"{scheme}{user}:{before}{PASSWORD}{after}{rest}")
        assert PASSWORD not in str(url)
        assert url.has_secret
        assert PASSWORD not in redact(f"{url.reveal()} and {before}{PASSWORD}{after}@db")
        _ = url.fault(), url.host, url.port, url.path, url.credentials, url.without_credentials()


@given(anything.filter(bool))
def test_every_password_reaches_the_driver_as_it_is(password: str) -> None:
    encoded = make_url(Url(f"postgresql://me:{quote(password, safe='')}@db:1/x?user=a@b").reveal())
    assert (encoded.username, encoded.password, encoded.host, encoded.port) == ("me", password, "db", 1)
    assert encoded.query == {"user": "a@b"}
    raw = Url(f"postgresql://me:{password}@db/x")
    if "%" not in password and raw.fault() is None and not set(password) & set("/?#"):
        assert make_url(raw.reveal()).password == password


@given(anything)
def test_any_text_makes_a_url_that_says_what_is_wrong_with_it(text: str) -> None:
    for value in (text, f"postgresql://{text}", f"http://{text}", f"sqlite:{text}"):
        url = Url(value)
        assert isinstance(str(url), str)
        assert (url.fault() is None) or "\n" not in str(url.fault())


UNCAUGHT = """
import threading
from carousel.url import Url, redact_tracebacks
redact_tracebacks()
url = Url("postgresql://me:p%40S3CRET@db/x")
def fail():
    try:
        raise ValueError(url.reveal())
    except ValueError as error:
        raise RuntimeError("cannot translate p@S3CRET") from error
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def test_a_traceback_has_no_password() -> None:
    done = subprocess.run([sys.executable, "-c", UNCAUGHT], capture_output=True, text=True, check=False)
    printed = done.stderr.replace('"postgresql://me:p%40S3CRET@db/x"', "").replace(
        '"cannot translate p@S3CRET"', ""
    )
    assert done.returncode == 1
    assert printed.count("RuntimeError: cannot translate ***") == 2
    assert printed.count("postgresql://me:***@db/x") >= 2
    assert PASSWORD not in printed


def test_a_short_password_is_no_part_of_words() -> None:
    Url("postgresql://me:on@db/x")
    assert redact("connection to on refused") == "connection to *** refused"


def test_the_environment_takes_the_place_of_params_and_params_hold_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from carousel.errors import UserError
    from carousel.search.storage import place

    secret = f"postgresql://me:{PASSWORD}@db/x"
    journal = tmp_path / "journal"
    assert place(Sweep(), journal) == journal
    assert place(Sweep(storage="postgresql://me@db/x"), journal) == Url("postgresql://me@db/x")
    with pytest.raises(
        UserError, match=r"sweep\.storage: postgresql://me:\*\*\*@db/x holds a password.*CAROUSEL_SWEEP"
    ):
        place(Sweep(storage=secret), journal)
    monkeypatch.setenv("CAROUSEL_SWEEP_STORAGE", secret)
    assert place(Sweep(storage="postgresql://me@db/x"), journal) == Url(secret)
    for value, message in (("", "SWEEP_STORAGE: is empty"), ("nowhere", "SWEEP_STORAGE: nowhere is not a URL")):
        monkeypatch.setenv("CAROUSEL_SWEEP_STORAGE", value)
        with pytest.raises(UserError, match=message):
            place(Sweep(), journal)
