"""Turn tokens into ids, in files that training reads by memory map."""

from typing import TYPE_CHECKING, Any

from carousel import layout
from carousel.cli.output import say
from carousel.corpus import tables
from carousel.corpus.training_data import VOCABULARY, read_parts
from carousel.params import Params, load
from carousel.task import Task, find
from carousel.text.vocabulary import Vocabulary
from pipeline.stage import run

if TYPE_CHECKING:
    from carousel.registry.teacher import Teacher


def main() -> None:
    params = load()
    task, parts = find(params.task), read_parts(layout.PARTS)
    vocabulary = Vocabulary.from_text(parts[VOCABULARY].decode("utf-8"))
    teacher = teacher_of(params, task)
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
        say(f"teacher: {teacher.model}, bundle {teacher.fingerprint[:12]}")


def teacher_of(params: Params, task: Task[Any]) -> "Teacher | None":
    if params.train.teacher is None:
        return None
    from carousel.registry.teacher import find as find_teacher  # the network's library takes seconds to import

    return find_teacher(params.train.teacher, task, params.registry.name)


if __name__ == "__main__":
    run(main)
