"""A PostgreSQL server of a test's own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest


@dataclass(frozen=True)
class Server:
    """A running server: its folder, which holds its data and log, and its port."""

    folder: Path
    port: int

    def url(self, password: str = "", database: str = "postgres") -> str:
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql+psycopg://carousel{secret}@127.0.0.1:{self.port}/{database}"


@contextmanager
def serve(password: str = "") -> Iterator[Server]:
    """Run a server, with one user whom it asks for this password, if it is not empty."""
    # Debian keeps a server's programs off the path
    places = [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    initdb, program = (shutil.which(name, path=os.pathsep.join(places)) for name in ("initdb", "postgres"))
    if not (initdb and program) and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="carousel-postgresql-"))
    secret = folder / "password"
    secret.write_text(password)
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user:
        shutil.chown(folder, user)
        shutil.chown(secret, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log").open("wb")
    as_user = {"user": user, "cwd": folder, "stdout": log, "stderr": log}
    how = ["--auth", "scram-sha-256", "--pwfile", secret] if password else ["--auth", "trust"]
    subprocess.run(
        [str(initdb), "--pgdata", folder / "data", "--username", "carousel", *how, "--no-sync"],
        check=True,
        **as_user,
    )
    secret.unlink()
    settings = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    where = ["-h", "127.0.0.1", "-p", str(port), "-U", "carousel"]
    ready = ["psql", "--quiet", *where, "-c", "select 1", "postgres"]
    environment = os.environ | {"PGPASSWORD": password}
    with log, subprocess.Popen([str(program), "-D", folder / "data", *settings], **as_user) as server:
        try:
            while subprocess.run(ready, capture_output=True, check=False, env=environment).returncode:
                assert server.poll() is None, (folder / "log").read_text()
            yield Server(folder, port)
        finally:  # also after a failed assertion: nothing else ends the server
            server.send_signal(signal.SIGINT)
    shutil.rmtree(folder)
