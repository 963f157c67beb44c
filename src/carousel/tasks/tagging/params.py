"""The section `data` of a tagging task: where the sentences are, and how their files are read."""

import io
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from carousel.params.data import Column, SplitName
from carousel.params.sections import AnyPath, PathInside, Section


class Data(Section):
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
    splits: dict[SplitName, PathInside | None] = {}  # noqa: RUF012 - pydantic copies a default for each section
    encoding: str = "auto"
    compression: Literal["auto", "none", "gzip", "bz2", "xz", "zstd"] = "auto"
    max_rejected: int = Field(default=100, ge=0)

    @property
    def given(self) -> dict[SplitName, str]:
        """The splits that have a file or folder."""
        return {split: name for split, name in self.splits.items() if name is not None}

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

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        try:
            if encoding != "auto":
                io.TextIOWrapper(io.BytesIO(), encoding).close()  # refuses codecs that are no text, such as base64
                b"a".ljust(8).decode(encoding, "ignore")  # and those that have no errors to ignore, such as idna
        except (LookupError, ValueError) as error:
            raise ValueError(
                f"data.encoding: Python knows no encoding {encoding!r}; it knows utf-8, cp1252, gb18030, euc-kr, …"
            ) from error
        return encoding

    @model_validator(mode="after")
    def _is_consistent(self) -> "Data":
        roles = [("tokens", self.tokens), ("tags", self.tags), ("intent", self.intent)]
        for place, (role, column) in enumerate(roles):
            for other, same in roles[:place]:
                if column == same and column not in ("auto", None):
                    raise ValueError(f"data.{other} and data.{role} name the same column ({column!r}): change one")
        if self.given and "train" not in self.given:
            raise ValueError("data.splits names files but none for train")
        return self
