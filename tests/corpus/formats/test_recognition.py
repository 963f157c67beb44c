import bz2
import gzip
import io
import random
import tarfile
import zipfile

import pytest

from tests.support.labelled_files import PAIRS, WRITERS, parquet, read_file, refused

BODY = WRITERS[".csv"](PAIRS)


def zipped(**members):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), content)
    return written.getvalue()


def tar(mode="w", form=tarfile.PAX_FORMAT):
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode=mode, format=form) as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(BODY)
        archive.addfile(member, io.BytesIO(BODY))
    return written.getvalue()


FOREIGN = {
    "is a zip archive (a.csv): unpack it": zipped(a_csv=BODY),
    "is an Excel workbook (.xlsx): save": zipped(xl__workbook="", docProps__app=""),
    "is a Word document (.docx)": zipped(word__document=""),
    "is an OpenDocument file (spreadsheet)": zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
    "is a damaged zip archive": zipped(a_csv=BODY)[:60],
    "is an old Office file (.xls or .doc)": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
    "is a tar archive": tar(),
    "holds, in gzip data, a tar archive": tar("w:gz"),
    "holds, in bz2 data, a tar archive": tar("w:bz2"),
    "holds, in xz data, a tar archive": tar("w:xz", tarfile.USTAR_FORMAT),
    "is a PDF document": b"%PDF-1.7\n" + bytes(100),
    "is a Parquet file: set data.format: parquet": parquet(PAIRS),
    "is an SQLite database": b"SQLite format 3\0" + bytes(100),
    "is a Python pickle": b"\x80\x04\x95" + bytes(100),
    "is an HTML or XML document": b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>",
    "is a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n",
    "is a 7z archive": b"7z\xbc\xaf\x27\x1c" + bytes(50),
    "is an image": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "is a binary file, not text": bytes(5000),
    "is a binary file, not tex": random.Random(0).randbytes(5000),
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.json", "a.xls", "a.tgz", "data"])
def test_what_is_no_text_is_named_by_its_content_whatever_it_is_called(tmp_path, what, name):
    message = refused(tmp_path, name, FOREIGN[what])
    assert message.startswith(what)
    assert "iconv" not in message


@pytest.mark.parametrize("name", ["a.xlsx", "a.zip", "a.yaml", "a.html", "a.pkl", "a.xls"])
def test_a_text_with_the_ending_of_another_format_needs_data_format(tmp_path, name):
    ending = name.removeprefix("a")
    assert refused(tmp_path, name, BODY) == (
        f"data.format auto does not know {ending} files: convert it, or set data.format"
    )
    assert read_file(tmp_path, name, BODY, format="csv") == (PAIRS, {})


def test_a_stray_nul_costs_its_row_alone(tmp_path):
    documents = [(f"some words of document {i}", "pos") for i in range(60)]
    for ending in (".csv", ".tsv", ".txt"):
        content = WRITERS[ending](documents).replace(b"document 7", b"docu\0ment 7")
        found, rejected = read_file(tmp_path, f"a{ending}", content)
        assert len(found) == 59
        assert list(rejected.values()) == ["a NUL character in text"]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lambda content: content])
def test_parquet_is_not_what_its_name_says(tmp_path, compress):
    message = refused(tmp_path, "a.parquet", compress(BODY))
    assert message.startswith("not a readable Parquet file: ")
    assert refused(tmp_path, "a.parquet", zipped(a_csv=BODY)).startswith("not a readable Parquet file: it is a zip")
