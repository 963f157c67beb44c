"""`carousel ui`."""

import os
import socket
import sys
from typing import Annotated

import typer

from carousel.cli.output import say
from carousel.errors import UserError

HOST = "127.0.0.1"
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # jobs judge language models; without them it starts sooner
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "PYTHONWARNINGS": "ignore",  # they are for the authors of MLflow's libraries
}


def ui(
    port: Annotated[int, typer.Option("--port", "-p", min=1, max=65535, help="Port of the local server.")] = 5000,
) -> None:
    """Start MLflow's UI on the project's store, and print the address of its runs.

    [dim]carousel ui --port 5001[/dim]
    """
    from carousel.params import load
    from carousel.task import find
    from carousel.tracking import address, runs_page
    from carousel.tracking.store import connect, is_writable, tracking_uri

    params, uri = load(), tracking_uri()
    registry = address.named(address.REGISTRY) or uri
    if uri.scheme in address.SERVERS:
        raise UserError(f"MLFLOW_TRACKING_URI is a server, which has a UI of its own: open {uri} in a browser")
    _check_free(port)
    client = connect(create=False)
    page = runs_page.link(client, params.registry.name, find(params.task).metrics, writable=is_writable(uri))
    say(f"open http://{HOST}:{port}{page}\nCtrl-C ends it")
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", uri.reveal(), "--registry-store-uri", registry.reveal()]
    quiet = ["--uvicorn-opts", "--log-level warning"]
    os.execve(sys.executable, [*command, *stores, *quiet], {**os.environ, **_ENVIRONMENT})


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind((HOST, port))
        except OSError as error:
            other = port + 1 if port < 65535 else port - 1
            raise UserError(
                f"port {port} cannot be used ({error.strerror}): type `carousel ui --port {other}`, or "
                f"`make ui PORT={other}`"
            ) from error
