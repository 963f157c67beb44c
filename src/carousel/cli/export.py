"""`carousel export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carousel.cli.output import cell, console, say, table
from carousel.cli.project import user_model, user_path
from carousel.errors import UserError

if TYPE_CHECKING:
    from carousel.export.check import Check
    from carousel.predictor import Predictor
    from carousel.registry.model_ref import ModelRef

DEFAULT_AGREEMENT = 0.995


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="VERSION|ALIAS|FOLDER",
            help="A version's number or alias, models:/NAME@ALIAS, or the folder of a bundle.",
            parser=user_model,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", parser=user_path, metavar="FILE", help="File to write, such as model.onnx."),
    ],
    int8: Annotated[bool, typer.Option("--int8", help="Store and multiply weights in eight bits.")] = False,
    step: Annotated[
        bool,
        typer.Option("--step", help="Read on from a state, for streams; unidirectional recurrent models alone."),
    ] = False,
    strings: Annotated[
        bool,
        typer.Option("--strings", help="Take texts: tokenizer and vocabulary become part of the graph."),
    ] = False,
    min_agreement: Annotated[
        float,
        typer.Option("--min-agreement", min=0, max=1, help="Fraction of predictions that have to be the bundle's."),
    ] = DEFAULT_AGREEMENT,
    no_log: Annotated[
        bool, typer.Option("--no-log", help="Do not keep the file with the registered version.")
    ] = False,
) -> None:
    """Write a model as one ONNX file that predicts without torch, once it predicts the same as the bundle.

    [dim]carousel export champion --out model.onnx --int8[/dim]
    """
    _check_libraries()
    from carousel.export.check import check, check_ids
    from carousel.export.exporting import export as exported
    from carousel.files import write_bytes
    from carousel.predictor import predictor
    from carousel.registry.model_ref import find

    if out.is_dir():
        raise UserError(f"--out {out}: is a folder; name a file, such as {out / 'model.onnx'}")
    ref = find(model, _registered_name(model))
    bundle = ref.load()
    before = predictor(bundle)
    made = exported(bundle, before, out, int8=int8, step=step, strings=strings)
    inputs, targets, source = _inputs(bundle.task, before)
    if strings:
        check_ids(before, made.predictor, inputs)
    found = check(bundle.task, before, made.predictor, inputs, targets)
    from carousel.registry.versions import saved_bytes

    _show(ref.title, found, (saved_bytes(bundle), len(made.content)), source)
    found.refuse(min_agreement=min_agreement, fp32=not int8)
    write_bytes(out, made.content)
    say(f"wrote {out}")
    _log(ref, out, no_log=no_log)


def _check_libraries() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("onnx", "onnxruntime", "onnxruntime_extensions") if find_spec(name) is None]
    if missing:
        raise UserError(f"{' and '.join(missing)} not installed: pip install 'carousel[export]'")


def _registered_name(model: str) -> str:
    """Return the registered model that a number or alias is of; any, for a bundle's folder."""
    from carousel import layout
    from carousel.params import load

    return load().registry.name if layout.PARAMS.exists() else model


def _inputs(task: str, before: "Predictor") -> tuple[list[Any], list[Any] | None, str]:
    """Return what to predict, what would be right, and what it is: the test split, or generated texts."""
    from carousel import layout
    from carousel.corpus import tables
    from carousel.export.check import generated
    from carousel.task import find
    from carousel.task_modules import module

    if layout.TEST.exists():
        documents = tables.read(layout.TEST)
        if find(task).digest_if_own(documents) is not None and documents.height:
            inputs = find(task).inputs(documents)
            return inputs, module(task, "export").targets(documents), f"{len(inputs)} inputs of the test split"
    vocabulary = before.vocabulary  # type: ignore[attr-defined]
    texts = [*before.example, *generated(vocabulary)]
    return texts, None, f"{len(texts)} generated texts, since {layout.TEST} is not here"


def _show(title: str, found: "Check", size: tuple[int, int], source: str) -> None:
    screen = console()
    screen.print(cell(f"{title}, on {source}"), soft_wrap=True)
    shown = table("", "bundle", "export", "")
    for column in shown.columns[1:]:
        column.justify = "right"
    shown.add_row("size", *(f"{part / 1e6:.2f} MB" for part in size), f"{size[0] / size[1]:.1f}x smaller")
    if found.accuracy is not None:
        shown.add_row("accuracy", *(f"{value:.4f}" for value in found.accuracy), "")
    slow, fast = found.microseconds
    shown.add_row("CPU time", f"{slow:.0f} µs", f"{fast:.0f} µs", f"{slow / fast:.1f}x faster")
    shown.add_row("agreement", "", f"{100 * found.agreement:.2f} %", "")
    shown.add_row("probabilities", "", f"{found.difference:.1g}", "largest difference")
    screen.print(shown)


def _log(ref: "ModelRef", out: Path, *, no_log: bool) -> None:
    if ref.version is None or no_log:
        return
    from carousel.registry.exports import log
    from carousel.tracking.store import connect

    try:
        kind = log(connect(create=False), ref.version, out)
    except UserError as error:
        say(f"not kept with the version: {error}", to_stderr=True)
        return
    say(f"kept with {ref.version.name} version {ref.version.number} as its export {kind}")
