"""Turn tokens into ids, in files that training reads by memory map."""

from carousel import layout
from carousel.cli.output import say
from carousel.corpus import tables
from carousel.corpus.training_data import VOCABULARY, read_parts
from carousel.params import load
from carousel.registry import teacher as teachers
from carousel.task import find
from carousel.text.vocabulary import Vocabulary
from pipeline.stage import run


def main() -> None:
    params = load()
    task, parts = find(params.task), read_parts(layout.PARTS)
    vocabulary = Vocabulary.from_text(parts[VOCABULARY].decode("utf-8"))
    named = params.train.teacher
    teacher = teachers.find(named, task, params.registry.name) if named else None
    for name, tokens in tables.read_splits(layout.TOKENS).items():
        encoded = task.encode(tokens, vocabulary, parts, params)
        if teacher is not None and name != "test":
            encoded = task.taught(
                encoded, tables.read(layout.PREPARED / f"{name}.parquet"), parts, teacher.predictor
            )
        encoded.save(layout.ENCODED / name)
        cut = int((encoded.full_lengths > encoded.lengths).sum())
        say(
            f"{name}: {len(encoded)} {task.scoring.example}s, {encoded.tokens} ids, {cut} cut to "
            f"{params.encode.max_length} tokens"
        )
    layout.TEACHER.unlink(missing_ok=True)
    if teacher is not None:
        teacher.save()
        print(f"teacher: {teacher.model}, bundle {teacher.fingerprint[:12]}")


if __name__ == "__main__":
    run(main)
