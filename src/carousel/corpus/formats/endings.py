"""File name endings that say how a file is compressed, or that it is of another kind."""

from pathlib import Path

COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".zstd"}

# Endings that plainly mean something else than `label text` lines, which have no ending of their own
OTHERS = {
    ".yaml", ".yml", ".xml", ".html", ".htm", ".md", ".xlsx", ".xls", ".xlsm", ".ods", ".zip", ".pkl", ".pickle",
    ".arrow", ".feather", ".orc", ".avro", ".sqlite", ".db", ".dvc", ".conll", ".conllu",
}  # fmt: skip


def ending(path: Path) -> str:
    """Return the ending that says what a file is, without that of its compression; empty if it has none."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSED]
    return suffixes[-1] if suffixes else ""
