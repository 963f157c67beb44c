"""The section `data` of a tagging task: where the sentences are, and how their files are read."""

from typing import Any, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from carousel.params import Source
from carousel.params.sections import AnyPath

Column = str | int  # a column's name, or its number, counted from 1


class Data(Source):
    """Where the sentences come from.

    Attributes:
        source: the built-in data, or files.
        path: the built-in data's table of modules, a file, a folder of `seq` files, or the folder of `splits`.
        format: auto goes by a file's ending; a folder is `seq`.
        tokens: a column's number from 1 (conll), a field of CoNLL-U, a key or column of lists (jsonl, parquet),
            or a file (seq); auto is column 1, `form`, `tokens` or `seq.in`.
        tags: likewise; auto is the last column, `upos`, `tags` or `seq.out`.
        intent: a key or column (jsonl, parquet) or a file (seq); auto is `intent` or `label`, where there is one;
            None ignores intents.
        splits: the file or folder of each split in the folder `path`.
        encoding: auto is UTF-8, or what a byte order mark says.
        compression: auto is none or gzip, detected from the content.
        max_rejected: maximum number of sentences that are left out.
    """

    source: Literal["stdlib_names", "file"] = "stdlib_names"
    path: AnyPath = "data/stdlib_docs.yaml"
    format: Literal["auto", "conll", "conllu", "jsonl", "parquet", "seq"] = "auto"
    tokens: Column = "auto"
    tags: Column = "auto"
    intent: str | None = "auto"

    @field_validator("tokens", "tags", "intent", mode="before")
    @classmethod
    def _is_a_column(cls, value: Any, info: ValidationInfo) -> Any:
        name = isinstance(value, str) and value.strip()
        number = isinstance(value, int) and not isinstance(value, bool) and value > 0
        if info.field_name == "intent":
            if not (name or value is None):
                raise ValueError(f"data.intent: should be auto, null, or a name, not {value!r}")
        elif not (name or number):
            raise ValueError(
                f"data.{info.field_name}: should be auto, a name, or a column's number from 1, not {value!r}"
            )
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> "Data":
        roles = [("tokens", self.tokens), ("tags", self.tags), ("intent", self.intent)]
        for place, (role, column) in enumerate(roles):
            for other, same in roles[:place]:
                if column == same and column not in ("auto", None):
                    raise ValueError(f"data.{other} and data.{role} name the same column ({column!r}): change one")
        return self
