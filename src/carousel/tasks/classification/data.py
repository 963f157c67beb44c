"""The section `data` of params.yaml: where the documents are, and how their files are read."""

from typing import Any, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from carousel.params import Source
from carousel.params.sections import AnyPath

Column = str | int  # a column's name, or its number, counted from 1


class Data(Source):
    """Where the documents come from."""

    source: Literal["stdlib_docs", "file"] = "stdlib_docs"
    path: AnyPath = "data/stdlib_docs.yaml"
    format: Literal["auto", "csv", "tsv", "jsonl", "json", "parquet", "lines"] = "auto"
    text: Column = "text"
    label: Column = "label"
    split_column: Column | None = None
    header: Literal["auto", "first", "none"] = "auto"
    delimiter: str = "auto"
    quoting: Literal["auto", "standard", "none"] = "auto"
    missing: Literal["auto"] | list[str] = "auto"

    @field_validator("text", "label", "split_column", mode="before")
    @classmethod
    def _is_a_column(cls, value: Any, info: ValidationInfo) -> Any:
        name = isinstance(value, str) and value.strip()
        number = isinstance(value, int) and not isinstance(value, bool) and value > 0
        if not (name or number or (value is None and info.field_name == "split_column")):
            raise ValueError(
                f"data.{info.field_name}: should be a column's name, or its number, counted from 1, not {value!r}"
            )
        return value

    @field_validator("missing", mode="before")
    @classmethod
    def _are_words(cls, value: Any) -> Any:
        if value != "auto" and not (isinstance(value, list) and all(isinstance(word, str) for word in value)):
            raise ValueError(f"data.missing: should be auto, or a list of words in quotes, not {value!r}")
        return value

    @field_validator("delimiter")
    @classmethod
    def _is_one_character(cls, delimiter: str) -> str:
        if delimiter != "auto" and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
            raise ValueError(
                f'data.delimiter: should be auto or one character, such as ";" or "\\t", not {delimiter!r}'
            )
        return delimiter

    @model_validator(mode="after")
    def _columns_and_splits_agree(self) -> "Data":
        if self.text == self.label:
            raise ValueError(f"data.text and data.label name the same column ({self.text!r}): change one")
        if self.given and self.split_column:
            raise ValueError("data.splits and data.split_column both say how to split: keep one")
        return self
