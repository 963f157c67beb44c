"""A real `carousel serve` on loopback, a store to serve from, and clients on raw sockets."""

import json
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import torch

from carousel.export.exporting import export
from carousel.registry import exports, registration, versions
from carousel.tasks.classification.predictor import Classifier
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.tracking.store import experiment
from tests.support import forked, networks
from tests.support.registry import LABELS

BACKOFF = 0.05  # seconds after a 503; threads that ask without a pause take this process's time from each other
SECONDS = 120.0  # until a test gives up; a busy machine is slow


@dataclass
class Response:
    """An answer of HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


class Connection:
    """A connection that is kept alive until the server closes it."""

    def __init__(self, port: int, timeout: float = SECONDS) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        given = {"host": "test", "content-length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)

    def receive(self) -> Response:
        """Return an answer; raises an OSError where it is missing or cut short."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._some()
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        while len(body) < int(headers["content-length"]):
            body += self._some()
        return Response(int(first.split()[1]), headers, body)

    def _some(self) -> bytes:
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed before the answer")
        return data

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
        self.send(method, path, body, headers)
        return self.receive()

    def close(self) -> None:
        self.socket.close()


@dataclass
class Load:
    """What clients saw that asked all the time, each on a connection of its own."""

    answers: Counter = field(default_factory=Counter)  # by status and version
    seconds: list[float] = field(default_factory=list)  # of accepted requests
    lost: list[str] = field(default_factory=list)  # sent, and not answered
    ended: bool = False


@dataclass
class Service:
    """A running service."""

    port: int
    process: object
    state: Path
    log: Path
    headers: dict[str, str]

    def ask(self, method: str, path: str, value: object = None, headers: dict[str, str] | None = None) -> Response:
        """Ask on a connection of its own; a value is sent as JSON, bytes as they are."""
        body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        connection = Connection(self.port)
        try:
            return connection.ask(method, path, body, self.headers | (headers or {}))
        finally:
            connection.close()

    def predict(self, text: str = "the dog", identifier: str = "") -> Response:
        headers = {"x-request-id": identifier} if identifier else None
        return self.ask("POST", "/v1/predict", {"text": text}, headers)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition; what the service logged is told if it never holds."""
        until = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < until, f"{what}\n{self.log.read_text()}"
            time.sleep(0.05)

    def wait_for_champion(self, number: int) -> None:
        self.wait(lambda: self.champion() == number, f"version {number} never answered")

    def champion(self) -> int | None:
        found = self.ask("GET", "/v1/models")
        return found.json()["champion"] if found.status == 200 else None

    def metrics(self) -> dict[str, float]:
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return {
            name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] not in "#")
        }

    def workers(self) -> list[int]:
        """Return the ids of the worker processes."""
        text = self.ask("GET", "/metrics").body.decode()
        return [int(found) for found in re.findall(r'carousel_resident_bytes{pid="(\d+)"}', text)]

    def end(self) -> None:
        """Send SIGTERM, and wait for the end."""
        os.kill(self.process.pid, signal.SIGTERM)
        self.process.join(SECONDS)
        assert self.process.exitcode == 0, self.log.read_text()

    @contextmanager
    def under_load(self, clients: int = 8, text: str = "the dog") -> Iterator[Load]:
        """Ask all the time, until the block ends or the service takes no connection any more."""
        load = Load()
        threads = [threading.Thread(target=_keep_asking, args=(self, text, load)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield load
        finally:
            load.ended = True
            for thread in threads:
                thread.join()


def _keep_asking(service: Service, text: str, load: Load) -> None:
    body, connection = json.dumps({"text": text}).encode(), None
    while not load.ended:
        if connection is None:
            try:
                connection = Connection(service.port)
            except OSError:  # refused, so nothing was sent
                return
        began = time.perf_counter()
        try:
            answer = connection.ask("POST", "/v1/predict", body, service.headers)
        except OSError as error:
            load.lost.append(repr(error))
            return
        if answer.status == 200:
            load.seconds.append(time.perf_counter() - began)
        version = answer.json().get("version")
        load.answers[answer.status, version] += 1
        if answer.status == 503:
            time.sleep(BACKOFF)
        if answer.headers.get("connection") == "close":
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


@contextmanager
def running(folder: Path, name: str, *options: str, token: str = "") -> Iterator[Service]:
    """Serve a registered model of the store in a folder, on a free port; SIGKILL ends what a test leaves."""
    state = folder / f"state-{name}-{time.monotonic_ns()}"
    streams = [folder / f"{state.name}.out", folder / f"{state.name}.err"]
    arguments = ["serve", "--model", name, "--port", "0", "--state", str(state), "--fp32", "--drain", "0.5"]
    process = forked.start(forked.carousel, *arguments, *options, cwd=folder, env=_environment(), streams=streams)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    service = Service(0, process, state, streams[1], headers)
    try:
        service.wait(lambda: process.exitcode is not None or _port(streams[0]), "never listened")
        assert process.exitcode is None, streams[1].read_text()
        service.port = _port(streams[0])
        service.wait(lambda: service.ask("GET", "/health/ready").status == 200, "never ready")
        yield service
    finally:
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGTERM)
            process.join(20)
        if process.exitcode is None:
            process.kill()
            process.join()


def _port(output: Path) -> int:
    found = re.search(r"http://127\.0\.0\.1:(\d+)", output.read_text()) if output.exists() else None
    return int(found[1]) if found else 0


def _environment() -> dict[str, str]:
    left_out = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "CAROUSEL_TOKEN", "PYTHONPATH")
    return {key: value for key, value in os.environ.items() if key not in left_out} | {"OMP_NUM_THREADS": "1"}


def publish(
    client: mlflow.MlflowClient, name: str, model: Classifier, *aliases: str, step: bool = False
) -> versions.Version:
    """Register a model together with its export, under aliases."""
    bundle = model.to_bundle()
    bundle.save(Path("bundle"))
    run = client.create_run(experiment(client, name))
    client.log_artifacts(run.info.run_id, "bundle", "model/artifacts/bundle")
    registration.create_model(client, name, bundle.task)
    tags = {versions.FINGERPRINT: bundle.fingerprint, versions.TASK: bundle.task}
    made = client.create_model_version(name, f"{run.info.artifact_uri}/model", run.info.run_id, tags=tags)
    version = versions.get(client, name, made.version)
    file = Path("model.onnx")
    file.write_bytes(export(bundle, model, file, int8=False, step=step).content)
    exports.log(client, version, file)
    for alias in aliases:
        point(client, name, alias, version.number)
    return versions.get(client, name, version.number)


def one_way_classifier(seed: int) -> Classifier:
    """Return a small classifier that reads forward alone, so that it can read piece by piece."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary((*SPECIALS, "the", "dog", "oak"))
    model = networks.classifier(len(vocabulary), len(LABELS), embedding_size=4, hidden_size=4, bidirectional=False)
    return Classifier(model, TOKENIZERS["basic_english"], vocabulary, LABELS, max_length=16)


def point(client: mlflow.MlflowClient, name: str, alias: str, number: int) -> None:
    """Set an alias."""
    client.set_registered_model_alias(name, alias, str(number))
