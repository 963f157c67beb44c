"""What the section `data` of params.yaml has in every task: files, their splits, and how they are decoded."""

import io
from typing import Literal

from pydantic import Field, field_validator, model_validator

from carousel.params.sections import AnyPath, PathInside, Section

SplitName = Literal["train", "val", "test"]


class Source(Section):
    """Where the examples come from; each task adds its formats and columns."""

    source: str
    path: AnyPath
    splits: dict[SplitName, PathInside | None] = {}
    encoding: str = "auto"
    compression: Literal["auto", "none", "gzip", "bz2", "xz", "zstd"] = "auto"
    max_rejected: int = Field(default=100, ge=0)

    @property
    def given(self) -> dict[SplitName, str]:
        """The splits that have a file; null is none."""
        return {split: name for split, name in self.splits.items() if name is not None}

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
    def _splits_name_train(self) -> "Source":
        if self.given and "train" not in self.given:
            raise ValueError("data.splits names files but none for train")
        return self
