import bz2
import gzip
import lzma

import pyarrow as pa
import pytest

from tests.support.labelled_files import FORMATS, PAIRS, WRITERS, read_file, refused


def zstd(content):
    written = pa.BufferOutputStream()
    with pa.CompressedOutputStream(written, "zstd") as stream:
        stream.write(content)
    return written.getvalue().to_pybytes()


COMPRESS = {"bz2": bz2.compress, "xz": lzma.compress, "zstd": zstd}
ENDINGS = {"bz2": "bz2", "xz": "xz", "zstd": "zst"}
UNPACK = {"bz2": "bunzip2", "xz": "unxz", "zstd": "unzstd"}


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("compression", COMPRESS)
def test_what_is_compressed_otherwise_is_named_and_read_if_so_wanted(tmp_path, ending, compression):
    content = COMPRESS[compression](WRITERS[ending](PAIRS))
    for name in (f"a{ending}", f"a{ending}.{ENDINGS[compression]}"):
        assert read_file(tmp_path, name, content, compression=compression) == (PAIRS, {})
        assert refused(tmp_path, name, content) == (
            f"is compressed with {compression}: set data.compression: {compression}, or unpack it with "
            f"`{UNPACK[compression]}`"
        )


@pytest.mark.parametrize("compression", COMPRESS)
def test_damaged_data_is_told(tmp_path, compression):
    content = COMPRESS[compression](WRITERS[".csv"](PAIRS * 1000))
    for cut in (content[: len(content) // 2], content[:-3], content[:20]):
        message = refused(tmp_path, "a.csv", cut, compression=compression)
        assert f"the {compression} data is damaged or cut short: " in message


def test_a_wrong_compression_is_told(tmp_path):
    assert refused(tmp_path, "a.csv", gzip.compress(b"x"), compression="xz") == (
        "is not xz data, which data.compression says; it is gzip"
    )
    assert refused(tmp_path, "a.csv", b"text,label", compression="gzip").startswith("is not gzip data")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-8-sig"])
@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_byte_order_mark_tells_the_encoding(tmp_path, encoding, ending, zipped):
    text = WRITERS[ending](PAIRS).decode()
    content = (text if encoding in ("utf-16", "utf-32", "utf-8-sig") else f"\ufeff{text}").encode(encoding)
    assert read_file(tmp_path, f"a{ending}", gzip.compress(content) if zipped else content) == (PAIRS, {})


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Müßiggang – “ja”"),
        ("latin-1", "Müßiggang"),
        ("cp1251", "Привет, мир"),
        ("gb18030", "房间很大，早餐太差"),
        ("shift_jis", "海に囲まれた国ソ表"),
        ("euc-kr", "바다로 둘러싸여"),
        ("utf-16-le", "Müßiggang Ċ Ů ࠊ"),
    ],
)
@pytest.mark.parametrize("ending", FORMATS)
def test_a_given_encoding_is_used(tmp_path, encoding, text, ending):
    documents = [(text, "a"), (f"{text} 2", "b")]
    content = WRITERS[ending](documents).decode()
    if ending in (".jsonl", ".ndjson"):
        content = content.encode().decode("unicode_escape")
    assert read_file(tmp_path, f"a{ending}", content.encode(encoding), encoding=encoding) == (documents, {})


def test_an_encoding_against_the_byte_order_mark_is_refused(tmp_path):
    assert refused(tmp_path, "a.csv", "\ufefftext,label\na,b\n".encode(), encoding="latin-1") == (
        "begins with the byte order mark of UTF-8, but data.encoding is latin-1: set data.encoding: auto"
    )
    content = "text,label\na,b\n".encode("utf-16")
    assert read_file(tmp_path, "a.csv", content, encoding="utf-16") == ([("a", "b")], {})


@pytest.mark.parametrize(("encoding", "message"), [("utf-8", "line 2: not UTF-8"), ("ascii", "line 2: not ascii")])
def test_a_line_of_another_encoding_is_told(tmp_path, encoding, message):
    content = b"text,label\ncaf\xe9,b\n"
    assert refused(tmp_path, "a.csv", content, encoding=encoding).startswith(f"{message} (byte 0xe9)")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_named(tmp_path, encoding):
    content = "text,label\n" + "some text,pos\n" * 20
    assert refused(tmp_path, "a.csv", content.encode(encoding)) == (
        f"is likely UTF-16 without a byte order mark: set data.encoding: {encoding}"
    )


def test_half_of_a_character_at_the_end_is_told(tmp_path):
    content = "text,label\na,pos\n".encode("utf-16")[:-1]
    assert "not UTF-16 (truncated data)" in refused(tmp_path, "a.csv", content)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_that_end_with_a_carriage_return_alone_are_named(tmp_path, ending, encoding):
    content = WRITERS[ending](PAIRS * 3).decode().replace("\r\n", "\n").replace("\n", "\r")
    message = refused(tmp_path, f"a{ending}", content.encode(encoding))
    assert message == "its lines end with CR alone, as on the old Mac; convert it: `tr '\\r' '\\n' < old > new`"


def test_no_other_character_ends_a_line(tmp_path):
    text = "a\u2028b\x0bc\x0cd\x85e\u2029f"
    for ending in (".csv", ".tsv", ".jsonl", ".txt"):
        assert read_file(tmp_path, f"a{ending}", WRITERS[ending]([(text, "pos"), ("g", "neg")])) == (
            [(text, "pos"), ("g", "neg")],
            {},
        )
