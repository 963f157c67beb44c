"""Drop duplicates and leaks, and split."""

from carousel import layout
from carousel.corpus import split, tables
from carousel.corpus.document import digest
from carousel.files import write_json
from carousel.params import load
from pipeline.stage import run


def main() -> None:
    prepared = split.prepare(tables.read(layout.DOCUMENTS), load().split)
    tables.write_splits(prepared.splits, layout.PREPARED)
    digests = {name: digest(frame) for name, frame in prepared.splits.items()}
    write_json(layout.DIGESTS, digests)
    write_json(layout.DATA_REPORT, prepared.report())
    sizes = ", ".join(f"{name} {frame.height}" for name, frame in prepared.splits.items())
    print(f"{sizes}; dropped {prepared.duplicates} duplicates and {prepared.leaked} that a later split has")
    for line in prepared.remarks():
        print(line)


if __name__ == "__main__":
    run(main)
