"""`carousel serve`."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from carousel import layout
from carousel.cli.output import say
from carousel.cli.project import user_path
from carousel.errors import UserError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CANARY = re.compile(r"([^=]+)=(\d+(?:\.\d+)?)%")


def serve(
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="The registered model; default: registry.name of params.yaml."),
    ] = None,
    alias: Annotated[
        str | None,
        typer.Option(
            "--alias",
            help="Alias or number of the version that answers; default: champion, and before "
            "there is one, challenger.",
        ),
    ] = None,
    canary: Annotated[
        str | None, typer.Option("--canary", metavar="WHICH=N%", help="Send N % of requests to another version.")
    ] = None,
    shadow: Annotated[
        str | None,
        typer.Option("--shadow", metavar="WHICH", help="Version that predicts silently, to be compared."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="WHICH", help="Further version that /v1/models/WHICH/predict answers with."),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 is every network that the machine is in.")
    ] = LOOPBACK[0],
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="Processes that answer; default: one a core.")
    ] = None,
    fp32: Annotated[
        bool, typer.Option("--fp32", help="Serve exports of full precision, not of eight bits.")
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            parser=user_path,
            metavar="FILE",
            help="File of a token that clients have to "
            "send: Authorization: Bearer TOKEN. The variable CAROUSEL_TOKEN does the same.",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            parser=user_path,
            metavar="FOLDER",
            help="Folder of exported models, sessions, counts and metrics; default: .carousel/serve.",
        ),
    ] = None,
    queue: Annotated[
        int, typer.Option("--queue", min=1, help="Texts that wait in a process; on top of them it answers 503.")
    ] = 256,
    max_body: Annotated[int, typer.Option("--max-body", min=1, help="Bytes of a request's body.")] = 1 << 20,
    max_texts: Annotated[int, typer.Option("--max-texts", min=1, help="Texts in a request.")] = 256,
    drain: Annotated[
        float, typer.Option("--drain", min=0, help="Seconds between SIGTERM and the last accepted connection.")
    ] = 2.0,
    session_seconds: Annotated[
        float, typer.Option("--session-seconds", min=1, help="Seconds that a session lives without a call.")
    ] = 3600.0,
    max_sessions: Annotated[int, typer.Option("--max-sessions", min=0, help="Sessions at a time.")] = 10_000,
    max_session_bytes: Annotated[
        int, typer.Option("--max-session-bytes", min=0, help="Bytes of all sessions together.")
    ] = 256 << 20,
) -> None:
    """Serve registered versions over HTTP, following their aliases; Ctrl-C ends it.

    [dim]carousel serve --canary challenger=5%[/dim]
    """
    _check_libraries()
    from carousel.registry.versions import CHALLENGER, CHAMPION, versions
    from carousel.serving import listening
    from carousel.serving.following import champion
    from carousel.serving.log import set_up
    from carousel.serving.settings import STATE, TOKEN, Settings
    from carousel.tracking.store import connect

    canary_which, fraction = _parsed(canary)
    token = _token(token_file) or os.environ.get(TOKEN, "")
    aliases = (alias.removeprefix("@"),) if alias else (CHAMPION, CHALLENGER)
    settings = Settings(
        name=model or _model_name(),
        state=(state or layout.STATE / STATE).absolute(),
        aliases=aliases,
        canary=canary_which,
        canary_fraction=fraction,
        shadow=(shadow or "").removeprefix("@"),
        also=tuple(which.removeprefix("@") for which in also or ()),
        precision="fp32" if fp32 else "int8",
        processes=processes or _cores(),
        max_body=max_body,
        max_texts=max_texts,
        queue=queue,
        drain_seconds=drain,
        session_seconds=session_seconds,
        max_sessions=max_sessions,
        max_session_bytes=max_session_bytes,
    )
    client = connect(create=False)
    known = versions(client, settings.name)
    champion(client, settings, known)  # or a user error says what is missing, before anything starts
    listener = listening.bind(host, port)
    from carousel.serving.supervisor import Supervisor

    shown = f"[{host}]" if ":" in host else host
    say(f"http://{shown}:{listener.getsockname()[1]}  answers once the model is loaded; /docs describes it")
    if host not in LOOPBACK and not token:
        say(f"warning: {host} is open to other machines, and no token is asked for (--token-file)", to_stderr=True)
    set_up("carousel")
    Supervisor(client, settings, listener, token).run()


def _check_libraries() -> None:
    from importlib.util import find_spec

    names = ("onnxruntime", "fastapi", "uvicorn", "httptools", "prometheus_client")
    if missing := [name for name in names if find_spec(name) is None]:
        raise UserError(f"{' and '.join(missing)} not installed: pip install 'carousel[serve]'")


def _model_name() -> str:
    if not layout.PARAMS.exists():
        raise UserError("no project here, so give the name of the registered model with --model")
    from carousel.params import load

    return load().registry.name


def _parsed(canary: str | None) -> tuple[str, float]:
    if canary is None:
        return "", 0.0
    match = _CANARY.fullmatch(canary.removeprefix("@"))
    if match is None or float(match[2]) > 100:
        raise UserError(f"--canary {canary}: should look like challenger=5%")
    return match[1], float(match[2]) / 100


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--token-file {file}: cannot be read: {getattr(error, 'strerror', error)}") from error
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UserError(f"--token-file {file}: should hold one line of ASCII letters, digits and signs")
    return token


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
