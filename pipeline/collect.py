"""Read the examples of the source that params.yaml names."""

from carousel import layout
from carousel.cli.output import say
from carousel.corpus import tables
from carousel.files import write_json, write_text
from carousel.params import load
from carousel.task import find
from pipeline.stage import run


def main() -> None:
    params = load()
    task, data = find(params.task), params.data
    collected = task.source.collect(data)
    documents, rejected = collected.documents, collected.rejected
    # the rejected rows are written first: they explain the error that they may lead to
    write_text(layout.REJECTED, "".join(f"{row.to_json()}\n" for row in rejected))
    task.source.check(data, documents, rejected)
    tables.write(documents, layout.DOCUMENTS)
    described = task.source.describe(data, documents, rejected)
    write_json(layout.SOURCE_REPORT, described)
    for line in task.source_lines(collected, described):
        say(line)


if __name__ == "__main__":
    run(main)
