"""Drop duplicates and leaks, and split."""

from carousel import layout
from carousel.cli.output import say
from carousel.corpus import tables
from carousel.files import write_json
from carousel.params import load
from carousel.task import find
from pipeline.stage import run


def main() -> None:
    params = load()
    task = find(params.task)
    prepared = task.prepare(tables.read(layout.DOCUMENTS), params)
    tables.write_splits(prepared.splits, layout.PREPARED)
    write_json(layout.DIGESTS, {name: task.digest(frame) for name, frame in prepared.splits.items()})
    divided = prepared.divided
    write_json(layout.DATA_REPORT, {**divided.report(), **prepared.report()})
    sizes = ", ".join(f"{name} {frame.height}" for name, frame in prepared.splits.items())
    say(f"{sizes}; dropped {divided.duplicates} duplicates and {divided.leaked} that a later split has")
    for line in prepared.remarks():
        say(line)


if __name__ == "__main__":
    run(main)
