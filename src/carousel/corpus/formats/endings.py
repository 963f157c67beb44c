"""File name endings that say how a file is compressed, or that it is of another kind."""

COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".zstd"}

# Endings that plainly mean something else than `label text` lines, which have no ending of their own
OTHERS = {
    ".yaml", ".yml", ".xml", ".html", ".htm", ".md", ".xlsx", ".xls", ".xlsm", ".ods", ".zip", ".pkl", ".pickle",
    ".arrow", ".feather", ".orc", ".avro", ".sqlite", ".db", ".dvc", ".conll", ".conllu",
}  # fmt: skip
