"""`carousel run`."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from carousel import layout
from carousel.cli.output import say
from carousel.cli.project import user_path
from carousel.errors import UserError


def run(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Keys of params.yaml with other values, as experiments/x.yaml.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and print the command.")] = False,
) -> None:
    """Run the pipeline with the values of a file over params.yaml, which stays as it is.

    The run is a DVC experiment of the file's name, in a temporary copy of the last commit and its changes; its
    model is registered in the same MLflow store.

    [dim]carousel run experiments/complaints.yaml[/dim]
    """
    from carousel.lineage.working_folder import damaged_lock
    from carousel.params import read_yaml

    path = user_path(file)
    values = _flat(read_yaml(path, "name a file with keys of params.yaml"))
    if not values:
        raise UserError(f"{file}: has no keys; write those of {layout.PARAMS} that differ")
    _check(values, file)
    options = [option for key, value in values.items() for option in _options(key, value)]
    command = [sys.executable, "-m", "dvc", "exp", "run", "--temp"]
    if dry_run:
        say(" ".join(["dvc", *command[3:], *options]))
        return
    if (damage := damaged_lock(Path())) is not None:
        raise UserError(damage)
    name = _free_name(path.stem)
    raise typer.Exit(subprocess.run([*command, "--name", name, *options], check=False).returncode)


def _flat(content: Any, prefix: str = "") -> dict[str, Any]:
    """Return values by dotted key; a file may write `data: {path: x}` or `data.path: x`."""
    if not isinstance(content, dict):
        raise UserError(f"{prefix or 'the file'}: should be keys and values, as in {layout.PARAMS}")
    found: dict[str, Any] = {}
    for key, value in content.items():
        if not prefix and isinstance(value, dict) and "." not in str(key):
            found |= _flat(value, f"{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _check(values: dict[str, Any], file: Path) -> None:
    """Raise a UserError for values that the pipeline would refuse, before it begins."""
    from carousel.params import read_yaml
    from carousel.params.edit import put
    from carousel.params.file import checked

    content = read_yaml(layout.PARAMS, "run from the project's root")
    put(content, values)
    path = Path(checked(content, file).data.path)
    if not path.exists():
        raise UserError(f"{file}: data.path: {path}: no such file; copy it there, `dvc add {path}`, and commit")


def _options(key: str, value: Any) -> list[str]:
    """Return the options of `dvc exp run` that set a value; a mapping is replaced and not merged."""
    if isinstance(value, dict):
        return ["--set-param", f"~{key}", "--set-param", f"+{key}={_override(value)}"]
    return ["--set-param", f"{key}={_override(value)}"]


def _override(value: Any) -> str:
    """Return a value in Hydra's grammar of overrides, which DVC uses."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{_override(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_override, value))}]"
    if isinstance(value, str):
        # within quotes, backslashes are escapes before a quote alone
        return "'" + re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + (found[2] and "\\'"), value) + "'"
    return repr(value)


def _free_name(stem: str) -> str:
    """Return the file's name, numbered if an experiment has it: a run replaces no other."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "exp", "list", "--name-only"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise UserError(f"{done.stderr.strip().splitlines()[-1]}; experiments need a git repository with a commit")
    taken, number = set(done.stdout.split()), 2
    name = base = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in stem)
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name
