import base64
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from carousel.errors import UserError
from carousel.tracking import address, store
from carousel.url import Url

MALFORMED = {
    "http://host:port": "a port is a number",
    "http://host:99999": "not from 1 to 65535",
    "http://host:1000000000000": "a port is a number",
    "http://": "has no host",
    "http://me@host": "set MLFLOW_TRACKING_TOKEN",
    "http://host/?token=S3CRET": "set MLFLOW_TRACKING_TOKEN",
    "http://host:S3CRET": "a port is a number",
    "http://[::1": "a port is a number",
    "http//host": "no scheme",
    "postgresql//missing-colon": "no scheme",
    "postgresql:/me:S3CRET@db/x": "no scheme",
    "postgresql://me:a/S3CRET@db/x": "percent-encode",
    "postgresql://me@db:port/x": "a port is a number",
    "sqlite:relative": "no scheme",
    "sqlite://": "names no file",
    "sqlite://host/x": "names no file",
    "mlruns": "no scheme",
    "foo://x": "unknown scheme foo",
    "http://ho st": "white space",
    "http://host\n": "white space",
    "": "is empty",
    "  ": "is empty",
}


@pytest.mark.parametrize("variable", ["MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"])
@pytest.mark.parametrize("value", MALFORMED)
def test_a_malformed_address_is_one_line_that_names_the_variable(
    value: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=MALFORMED[value]) as told:
        store.connect()
    assert str(told.value).startswith(variable)
    assert "\n" not in str(told.value)
    assert "S3CRET" not in str(told.value)


@pytest.mark.parametrize(
    "value",
    [
        "http://127.0.0.1:5000", "https://me:secret@mlflow.example/base", "sqlite:////tmp/mlflow.db", "databricks",
        "sqlite:///mlflow.db", "postgresql://me:secret@db/mlflow", "mysql+pymysql://me@db/mlflow", "databricks://profile",
    ],
)  # fmt: skip
def test_what_mlflow_can_use_is_honoured(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(address.TRACKING, value)
    assert address.named(address.TRACKING) == Url(value)


def test_two_servers_with_two_passwords_are_refused() -> None:
    with pytest.raises(UserError, match="MLFLOW_REGISTRY_URI: its user or password is not that of"):
        address.use(Url("http://me:one@a"), Url("http://me:two@b"))


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    """A server that refuses everyone: its port, and the credentials that it was given."""
    given: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.append(self.headers.get("Authorization", ""))
            self.send_error(401)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    served = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served.server_port, given
    served.shutdown()
    served.server_close()


CONNECT = """
import os, sys
from carousel.errors import UserError
from carousel.tracking import store
try:
    store.connect()
except UserError as error:
    print(error)
print(sorted(f"{key}={value}" for key, value in os.environ.items() if key.endswith("_URI")))
"""


def test_a_servers_password_goes_to_the_server_and_into_no_line(
    server: tuple[int, list[str]], tmp_path: object
) -> None:
    port, given = server
    uri = f"http://me:p%40S3CRET@127.0.0.1:{port}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    done = subprocess.run(
        [sys.executable, "-c", CONNECT],
        env=environment | {"MLFLOW_TRACKING_URI": uri},
        cwd=str(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"http://me:***@127.0.0.1:{port}: the MLflow store cannot be used" in done.stdout
    assert "401" in done.stdout
    assert "S3CRET" not in done.stdout + done.stderr
    assert base64.b64encode(b"me:p@S3CRET").decode() in given[-1]


@pytest.mark.parametrize(
    "uri",
    ["http://me:S3CRET@127.0.0.1:9", "postgresql://me:S3CRET@127.0.0.1:9/x", "http://me:S3CRET@nowhere.invalid:9"],
)
def test_a_store_that_cannot_be_reached_is_one_line_without_the_password(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserError, match=r"://me:\*\*\*@") as told:
        store.connect()
    assert "\n" not in str(told.value)
    assert "S3CRET" not in str(told.value)
