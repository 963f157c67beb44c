"""Read the documents of the source that params.yaml names."""

from carousel import layout
from carousel.corpus import source, tables
from carousel.files import write_json, write_text
from carousel.params import load
from pipeline.stage import run


def main() -> None:
    data = load().data
    collected = source.collect(data)
    documents, rejected = collected.documents, collected.rejected
    # the rejected rows are written first: they explain the error that they may lead to
    write_text(layout.REJECTED, "".join(f"{row.to_json()}\n" for row in rejected))
    source.check(data, documents, rejected)
    tables.write(documents, layout.DOCUMENTS)
    write_json(layout.SOURCE_REPORT, source.describe(data, documents, rejected))
    print(f"{documents.height} documents, {documents['label'].n_unique()} labels, {len(rejected)} rows rejected")
    for line in (*collected.notes, *source.remarks(documents, rejected)):
        print(line)


if __name__ == "__main__":
    run(main)
