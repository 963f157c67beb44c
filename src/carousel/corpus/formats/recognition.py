"""What a file is by its first bytes, for the one line that says why it is not read as text."""

import re
import tarfile
import zipfile
from pathlib import Path

from carousel.errors import first_line

COMPRESSED = {
    "gzip": b"\x1f\x8b",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zstd": b"\x28\xb5\x2f\xfd",
}
UNPACK = {"gzip": "gunzip", "bz2": "bunzip2", "xz": "unxz", "zstd": "unzstd"}

# Longest first: UTF-32's little-endian mark begins with UTF-16's
BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)

_MAGIC = (
    (b"PAR1", "a Parquet file: set data.format: parquet"),
    (b"ARROW1", "an Arrow (Feather) file: write it as Parquet"),
    (b"ORC", "an ORC file: write it as Parquet"),
    (b"Obj\x01", "an Avro file: write it as Parquet"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file: write its table as Parquet or CSV"),
    (b"SQLite format 3\x00", "an SQLite database: export the table as CSV"),
    (b"\x93NUMPY", "a NumPy array: write texts and labels as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls or .doc): save the sheet as CSV in UTF-8"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it"),
    (b"\x1f\x9d", "compressed with compress (.Z): unpack it with `uncompress`"),
    (b"\x04\x22\x4d\x18", "lz4 data: unpack it with `unlz4`"),
    (b"LZIP", "lzip data: unpack it with `lzip -d`"),
    (b"\x5d\x00\x00", "lzma data: unpack it with `unlzma`"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy data: unpack it"),
    (b"%PDF-", "a PDF document: extract its texts into a table"),
    (b"{\\rtf", "an RTF document: save it as plain text"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: fetch it with `git lfs pull`"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_MARKUP = re.compile(rb"\s*<(!doctype\s+html|html|\?xml)[\s>]", re.IGNORECASE)
_OFFICE = {
    "xl/": "an Excel workbook (.xlsx): save the sheet as CSV in UTF-8",
    "word/": "a Word document (.docx): save its texts as a table in CSV",
    "ppt/": "a PowerPoint file",
}
PARQUET_HEAD = 4096  # bytes that show what a file is
BINARY_FRACTION = 0.05  # of control characters; a text may hold a stray one, which costs its row alone
BINARY_BYTES = 32  # at least, so that a few characters do not decide over a small file
_CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r\x0e\x0f\x1b"})
WIDE_FRACTION = 0.2  # UTF-16 has a NUL in nearly every Latin character


def compression(head: bytes) -> str | None:
    """Return the key of `COMPRESSED` that a file begins with."""
    return next((name for name, magic in COMPRESSED.items() if head.startswith(magic)), None)


def byte_order_mark(head: bytes) -> str | None:
    """Return the encoding whose byte order mark a file begins with."""
    return next((name for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), None)


def foreign(head: bytes, path: Path) -> str | None:
    """Return what a file is if it is no text, and what to do about it.

    Args:
        head: the first kilobytes, uncompressed.
        path: the file; a zip archive's members are listed.
    """
    for magic, what in _MAGIC:
        if head.startswith(magic):
            return what
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path)
    if _is_tar(head[:512]):
        return "a tar archive: unpack it with `tar -xf`"
    if _PICKLE.match(head):
        return "a Python pickle: write its table as Parquet"
    if _MARKUP.match(head):
        return "an HTML or XML document, not a table of texts; was it downloaded from the right address?"
    return None


def binary(head: bytes) -> str | None:
    """Return what a file without a byte order mark is if too many of its bytes are control characters."""
    nuls = head.count(0)
    if len(head) - len(head.translate(None, _CONTROLS)) < max(BINARY_BYTES, len(head) * BINARY_FRACTION):
        return None
    if nuls > len(head) * WIDE_FRACTION:
        even = head[::2].count(0)
        if even in (0, nuls):  # Latin text in two bytes a character; in four, both halves hold some
            order = "utf-16-be" if even else "utf-16-le"
            return f"likely UTF-16 without a byte order mark: set data.encoding: {order}"
    return "a binary file, not text"


def _zipped(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:100].decode("ascii", "replace") if "mimetype" in names else ""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError):
        return "a damaged zip archive"
    if "opendocument" in kind:
        return f"an OpenDocument file ({kind.rpartition('.')[2]}): save the sheet as CSV in UTF-8"
    for folder, what in _OFFICE.items():
        if any(name.startswith(folder) for name in names):
            return what
    members = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"a zip archive ({members}): unpack it with `unzip`"


def _is_tar(block: bytes) -> bool:
    if len(block) < 512 or not block.strip(b"\0"):
        return False
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")  # checks the header's sum
    except tarfile.HeaderError:
        return False
    return True


def parquet_fault(path: Path, error: BaseException) -> str:
    """Return what a file is that could not be read as Parquet, or else the first line of the reader's error."""
    with path.open("rb") as file:
        head = file.read(PARQUET_HEAD)
    compressed = compression(head)
    if compressed:
        return f"it is compressed with {compressed}; Parquet compresses its own columns: unpack it"
    what = None if head.startswith(b"PAR1") else foreign(head, path)
    return f"it is {what}" if what else first_line(error)
