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
        recorded = versions.recorded(version, FINGERPRINT)
        file = self._file(version, recorded, self._architecture(version))
        content = file.read_bytes()
        found = ModelFile.read(content, file).description
        if found.bundle != recorded:
            raise UserError(
                f"{version.uri}: its exported model is of another bundle than was registered: the fingerprint is "
                f"{found.bundle}, the version's tag says {recorded}"
            )
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._tried:
            probe.check(file, version.uri)
            self._tried.add(digest)
        return Deployed(version.number, version.aliases, recorded, file, digest, found.precision, found.step)

    def _architecture(self, version: Version) -> str:
        """Verify a version's bundle, and return what reads, such as `bilstm`; empty without torch."""
        if not self._has_torch:
            return ""
        return versions.predictor_of(version, versions.fetch(version)).architecture

    def _file(self, version: Version, fingerprint: str, architecture: str) -> Path:
        """Return a version's exported model: the first that it has, or that can be made."""
        for precision in dict.fromkeys((self._precision, "fp32")):
            kinds = {step: exports.kind(precision, step=step) for step in (True, False)}
            targets = {
                step: self._folder / f"{version.number}-{fingerprint[:16]}-{kinds[step]}.onnx" for step in kinds
            }
            for step, target in targets.items():  # with a state first: it also reads whole texts
                if self._fetched(version, kinds[step], target) or _is_whole(target):
                    return target
            if self._has_torch:
                for step in (True, False) if _reads_forward(architecture) else (False,):
                    if self._made(version, precision, targets[step], step=step):
                        return targets[step]
        raise UserError(
            f"{version.uri}: has no exported model, and without torch none can be made: "
            f"`carousel export {version.number} --out model.onnx --int8` where torch is keeps one with the version"
        )

    def _fetched(self, version: Version, kind: str, target: Path) -> bool:
        with tempfile.TemporaryDirectory() as scratch:
            file = exports.fetch(version, kind, Path(scratch))
            if file is None:
                return False
            files.write_bytes(target, file.read_bytes())
        return True

    def _made(self, version: Version, precision: str, target: Path, *, step: bool) -> bool:
        """Export a version in another process; False if it was refused, or has no state to be exported with."""
        what = f"{precision} with a state" if step else precision
        log.info("version %d has no exported model: makes one in %s", version.number, what)
        command = [sys.executable, "-c", "from carousel.cli import main; main()", "export", version.uri]
        command += ["--out", str(target)] + ["--int8"] * (precision == "int8") + ["--step"] * step
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
        if step or (done.returncode == 1 and precision != "fp32"):
            log.warning("version %d is not served in %s: %s", version.number, what, reason)
            return False
        raise UserError(f"{version.uri}: cannot be exported: {reason}")


def _reads_forward(architecture: str) -> bool:
    """Return whether a model is recurrent and of one direction, as its name says: `lstm`, not `bilstm`."""
    from carousel.nn.cells import CELLS

    return architecture in CELLS


def _is_whole(file: Path) -> bool:
    """Return whether an earlier start of the service left the file, undamaged."""
    try:
        ModelFile.load(file)
    except UserError:
        return False
    return True
