"""What `carousel serve` was started with, handed to its worker processes as one JSON file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from carousel import files

TOKEN = "CAROUSEL_TOKEN"  # environment variable; a command line would show the token to every user of the machine
STATE = "serve"  # folder below `layout.STATE`


@dataclass(frozen=True)
class Settings:
    """Settings of a service.

    Attributes:
        name: of the registered model.
        state: folder of exported models, sessions, counts and metrics.
        aliases: of the version that answers: the first one that the registry has.
        canary: alias or number of the version that a fraction of requests goes to; empty without one.
        canary_fraction: from 0 to 1.
        shadow: alias or number of the version that predicts silently; empty without one.
        also: further aliases or numbers, which only their own address answers for.
        precision: of the exported models: `int8`, or `fp32`.
        processes: that answer.
        max_body: bytes of a request's body.
        max_texts: in one request.
        queue: texts that wait in a process; what comes on top is answered with 503.
        batch: texts that are predicted at once.
        body_seconds: that a client may take to send a body.
        drain_seconds: between the signal to end and the last accepted connection.
        session_seconds: that a session lives without a call.
        max_sessions: at a time, over all processes.
        max_session_bytes: of all sessions.
        replay_bytes: of text that one session may keep for replay.
    """

    name: str
    state: Path
    aliases: tuple[str, ...]
    canary: str = ""
    canary_fraction: float = 0.0
    shadow: str = ""
    also: tuple[str, ...] = ()
    precision: str = "int8"
    processes: int = 1
    max_body: int = 1 << 20
    max_texts: int = 256
    queue: int = 256
    batch: int = 8  # more take more memory, and no less time: their tensors leave the processor's cache
    body_seconds: float = 30.0
    drain_seconds: float = 2.0
    session_seconds: float = 3600.0
    max_sessions: int = 10_000
    max_session_bytes: int = 256 << 20
    replay_bytes: int = 1 << 20

    @property
    def file(self) -> Path:
        """Where `save` writes."""
        return self.state / "settings.json"

    @property
    def deployment(self) -> Path:
        """The file that says which versions answer now."""
        return self.state / "deployment.json"

    @property
    def exports(self) -> Path:
        """Folder of exported models."""
        return self.state / "exports"

    @property
    def metrics(self) -> Path:
        """Folder in which processes share their metrics."""
        return self.state / "metrics"

    @property
    def sessions(self) -> Path:
        """SQLite file of the sessions."""
        return self.state / "sessions.db"

    def save(self) -> None:
        """Write them for worker processes."""
        files.write_json(self.file, asdict(self) | {"state": str(self.state)})

    @classmethod
    def load(cls, file: Path) -> "Settings":
        """Read what `save` wrote."""
        fields = json.loads(file.read_text("utf-8"))
        lists = {name: tuple(fields[name]) for name in ("aliases", "also")}
        return cls(**(fields | lists | {"state": Path(fields["state"])}))
