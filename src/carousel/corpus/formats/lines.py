"""Text files as decoded lines: what they are compressed with, their encoding, and where one cannot be read."""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from carousel.corpus.formats import recognition
from carousel.errors import UserError
from carousel.params import Source

SAMPLE = 1 << 16  # bytes that tell what a file is
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, OSError)


@dataclass(frozen=True)
class TextFile:
    """A file that was recognised as text.

    Attributes:
        path: where it is.
        compression: a key of `recognition.COMPRESSED`, or None.
        encoding: the codec.
        sample: its first characters.
        errors: what becomes of bytes that are not of the encoding, as `bytes.decode` takes it.
    """

    path: Path
    compression: str | None
    encoding: str
    sample: str
    errors: str = "strict"

    def lines(self) -> Iterator[str]:
        """Yield the lines with their ends. Only `\\n` ends a line; a byte order mark is no part of the first.

        Raises:
            UserError: where the bytes are not of the encoding, or the compressed data is damaged.
        """
        number = 0
        try:
            with _opened(self.path, self.compression) as file:
                if self.encoding.startswith(("utf-16", "utf-32")):  # a \n byte may be half of a character
                    with io.TextIOWrapper(file, self.encoding, self.errors, newline="\n") as text:
                        for number, line in enumerate(text, start=1):
                            yield line.removeprefix("\ufeff") if number == 1 else line
                else:
                    for number, raw in enumerate(file, start=1):
                        line = raw.decode(self.encoding, self.errors)
                        yield line.removeprefix("\ufeff") if number == 1 else line
        except UnicodeError as error:
            raise UserError(f"{self.path}: {self._undecodable(number, error)}") from error
        except _DAMAGED as error:
            if self.compression is None:
                raise UserError(f"{self.path}: could not be read: {error}") from error
            raise UserError(
                f"{self.path}: after line {number}: the {self.compression} data is damaged or cut short: {error}"
            ) from error

    def first_lines(self, most: int = 200) -> list[str]:
        """Return the first lines that are not blank."""
        found: list[str] = []
        for line in self.lines():
            if line.strip():
                found.append(line)
            if len(found) == most:
                break
        return found

    def _undecodable(self, number: int, error: UnicodeError) -> str:
        if not isinstance(error, UnicodeDecodeError):
            return f"line {number}: not {self.encoding} ({error}); check data.encoding"
        byte = f"byte {error.object[error.start]:#04x}"
        if self.encoding.startswith(("utf-16", "utf-32")):
            return f"after line {number}: not {self.encoding.upper()} ({error.reason})"
        if self.encoding != "utf-8":
            return f"line {number}: not {self.encoding} ({byte}); check data.encoding"
        return (
            f"line {number}: not UTF-8 ({byte}); set data.encoding to what it is (cp1252 or latin-1 in the West, "
            "gb18030, shift_jis, euc-kr, cp1251, …), or save it as UTF-8"
        )


def recognise(path: Path, data: Source) -> TextFile:
    """Find out how a file is compressed and encoded.

    Args:
        path: the file.
        data: `data.compression` and `data.encoding` come before what its content says.

    Raises:
        UserError: when it is no text, or another kind of text than is read, with its name.
    """
    try:
        with path.open("rb") as plain:
            found = recognition.compression(plain.read(16))
    except OSError as error:
        raise UserError(f"{path}: could not be read: {error.strerror}") from error
    compression = _compression(path, data, found)
    sample = _sample(path, compression)
    marked = recognition.byte_order_mark(sample)
    what = recognition.foreign(sample, path)
    if what is None and marked is None and data.encoding == "auto":
        what = recognition.binary(sample)
    if what is not None:
        within = f"holds, in {compression} data," if compression else "is"
        raise UserError(f"{path}: {within} {what}")
    encoding = (marked or "utf-8") if data.encoding == "auto" else codecs.lookup(data.encoding).name
    if marked is not None and not _same_family(marked, encoding):
        raise UserError(
            f"{path}: begins with the byte order mark of {marked.removesuffix('-sig').upper()}, but data.encoding "
            f"is {data.encoding}: set data.encoding: auto"
        )
    if encoding in ("utf-16", "utf-32") and marked is None and sample:
        raise UserError(f"{path}: has no byte order mark: set data.encoding: {encoding}-le, or {encoding}-be")
    encoding = encoding.removesuffix("-sig")
    text = sample.decode(encoding, "ignore")
    if "\r" in text and "\n" not in text:
        raise UserError(
            f"{path}: its lines end with CR alone, as on the old Mac; convert it: `tr '\\r' '\\n' < old > new`"
        )
    return TextFile(path, compression, encoding, text.removeprefix("\ufeff"))


def _compression(path: Path, data: Source, found: str | None) -> str | None:
    if data.compression == "auto":
        if found in (None, "gzip"):
            return found
        within = recognition.foreign(_sample(path, found), path)
        if within is not None:
            raise UserError(f"{path}: holds, in {found} data, {within}")
        raise UserError(
            f"{path}: is compressed with {found}: set data.compression: {found}, or unpack it with "
            f"`{recognition.UNPACK[found or '']}`"
        )
    if data.compression == "none":
        return None
    if found != data.compression and path.stat().st_size:
        raise UserError(
            f"{path}: is not {data.compression} data, which data.compression says"
            + (f"; it is {found}" if found else "")
        )
    return data.compression


def _same_family(marked: str, encoding: str) -> bool:
    return marked.removesuffix("-sig").replace("-", "") in encoding.lower().replace("_", "").replace("-", "")


def _sample(path: Path, compression: str | None) -> bytes:
    sample = b""
    try:
        with _opened(path, compression) as file:
            while len(sample) < SAMPLE and (more := file.read(8192)):
                sample += more
    except _DAMAGED:
        pass  # `lines` says where
    return sample


def _opened(path: Path, compression: str | None) -> IO[bytes]:
    if compression == "gzip":
        return cast(IO[bytes], gzip.open(path))
    if compression == "bz2":
        return bz2.open(path)
    if compression == "xz":
        return lzma.open(path)
    if compression == "zstd":
        import pyarrow as pa

        return cast(IO[bytes], io.BufferedReader(pa.input_stream(str(path), compression="zstd")))
    return path.open("rb")
