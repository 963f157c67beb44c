"""Making a registered version ready: its bundle verified, its exported model fetched or made, and tried."""

import hashlib
import importlib.util
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from carousel import files
from carousel.errors import UserError
from carousel.registry import exports, versions
from carousel.registry.versions import FINGERPRINT, Version
from carousel.runtime.model_file import ModelFile
from carousel.serving import probe
from carousel.serving.deployment import Deployed

EXPORT_SECONDS = 900.0
log = logging.getLogger("carousel.serving")


class Preparing:
    """Makes versions ready, each once.

    Args:
        folder: of exported models.
        precision: that is wanted: `int8` or `fp32`.
    """

    def __init__(self, folder: Path, precision: str) -> None:
        self._folder, self._precision = folder, precision
        self._tried: set[str] = set()
        self._has_torch = importlib.util.find_spec("torch") is not None
        if not self._has_torch:
            log.warning(
                "torch is not installed: exported models are verified, the bundles that they are of are not"
            )

    def ready(self, version: Version) -> Deployed:
        """Verify a version and return what workers load.

        Raises:
            UserError: when its bundle or its exported model is damaged, is not the one that was registered, or
                cannot be loaded.
        """
        recorded = version.tags.get(FINGERPRINT)
        if recorded is None:
            raise UserError(
                f"{version.uri}: has no tag {FINGERPRINT}; only versions that `dvc repro` registered do"
            )
        if self._has_torch:
            versions.fetch(version)
        file, precision = self._file(version, recorded)
        content = file.read_bytes()
        found = ModelFile.read(content, file).description.bundle
        if found != recorded:
            raise UserError(
                f"{version.uri}: its exported model is of another bundle than was registered: the fingerprint is "
                f"{found}, the version's tag says {recorded}"
            )
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._tried:
            probe.check(file, version.uri)
            self._tried.add(digest)
        return Deployed(version.number, version.aliases, recorded, file, digest, precision)

    def _file(self, version: Version, fingerprint: str) -> tuple[Path, str]:
        """Return a version's exported model and its precision."""
        for precision in (self._precision, "fp32"):
            target = self._folder / f"{version.number}-{fingerprint[:16]}-{precision}.onnx"
            if self._fetched(version, precision, target) or _is_whole(target):
                return target, precision
            if self._has_torch and self._made(version, precision, target):
                return target, precision
        raise UserError(
            f"{version.uri}: has no exported model, and without torch none can be made: "
            f"`carousel export {version.number} --out model.onnx --int8` where torch is keeps one with the version"
        )

    def _fetched(self, version: Version, precision: str, target: Path) -> bool:
        if version.tags.get(f"{exports.TAG}{precision}") is None:
            return False
        with tempfile.TemporaryDirectory() as scratch:
            file = exports.fetch(version, precision, Path(scratch))
            assert file is not None
            files.write_bytes(target, file.read_bytes())
        return True

    def _made(self, version: Version, precision: str, target: Path) -> bool:
        """Export a version in another process; False if the export in eight bits was refused."""
        log.info("version %d has no exported model in %s: makes one", version.number, precision)
        command = [sys.executable, "-c", "from carousel.cli import main; main()", "export", version.uri]
        command += ["--out", str(target)] + (["--int8"] if precision == "int8" else [])
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=EXPORT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(f"{version.uri}: exporting took longer than {EXPORT_SECONDS:g} s") from error
        if done.returncode == 0:
            return True
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        if done.returncode == 1 and precision != "fp32":
            log.warning("version %d is served in fp32: %s", version.number, reason)
            return False
        raise UserError(f"{version.uri}: cannot be exported: {reason}")


def _is_whole(file: Path) -> bool:
    """Return whether an earlier start of the service left the file, undamaged."""
    try:
        ModelFile.load(file)
    except UserError:
        return False
    return True
