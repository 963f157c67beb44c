import ssl

import numpy as np
import pytest

from carousel.errors import UserError
from carousel.text.vectors import coverage, read
from carousel.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary(["<pad>", "<unk>", "the", "fête", "unheard", "400000"])
GLOVE = "the 0.5 -1 2e-1 4\n. . 9 9 9 9\nother 1 2 3 4\nfête 1 2 3 4.25\n"
FORMATS = {
    "glove": GLOVE,
    "word2vec": f"4 4\n{GLOVE}",
    "fasttext": "4 4\n" + GLOVE.replace("\n", " \n"),  # it ends lines with a space
}


def write(folder, content):
    path = folder / "vectors.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_gives_the_vectors_of_the_vocabularys_words_alone(name, tmp_path, capfd):
    vectors = read(write(tmp_path, FORMATS[name]), VOCABULARY)
    assert vectors.dtype == np.float32
    expected = [[np.nan] * 4, [np.nan] * 4, [0.5, -1, 0.2, 4], [1, 2, 3, 4.25], [np.nan] * 4, [np.nan] * 4]
    np.testing.assert_allclose(vectors, expected)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.txt"]  # torchtext's pickle is gone
    assert capfd.readouterr() == ("", "")


def test_a_word_that_looks_like_a_header_has_its_vector(tmp_path):
    vectors = read(write(tmp_path, f"400000 1 2 3 4\n{GLOVE}"), VOCABULARY)
    assert vectors[5].tolist() == [1, 2, 3, 4]


def test_words_of_other_encodings_are_passed_over(tmp_path):
    path = write(tmp_path, b"f\xeate 1 2 3 4\nthe 1 2 3 4\n")
    assert np.isnan(read(path, VOCABULARY)[3]).all()


def test_https_still_checks_certificates(tmp_path):
    before = ssl._create_default_https_context
    read(write(tmp_path, GLOVE), VOCABULARY)
    assert ssl._create_default_https_context is before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("the 1 2 3 4\nfête 1 2", r"line 2: 2 numbers where others have 4; the file is damaged or was cut short"),
        ("2 4\nthe 1 2 3 4\nfête 1 2", r"line 3: 2 numbers where others have 4"),
        ("the 1 2 x 4\n", r"not a text file of vectors, or damaged: could not convert string to float"),
        ("the 1 2 nan 4\n", r"the vector of 'the' has a number that is infinite or none at all"),
        ("", r"line 1: not a text file of vectors"),
        ("a sentence\n", r"line 1: not a text file of vectors"),
        ("a review of a film\nand one more\n", r"has a vector for none of the vocabulary's words"),
        (b"3 4\n\x00\x9f\x12\xbf\xfe the\n", r"has a vector for none of the vocabulary's words"),
    ],
)
def test_a_damaged_or_foreign_file_is_one_line_that_names_it(content, message, tmp_path):
    path = write(tmp_path, content)
    with pytest.raises(UserError, match=message) as caught:
        read(path, VOCABULARY)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(UserError, match=r"no such file; vectors\.file in params\.yaml names it"):
        read(tmp_path / "glove.txt", VOCABULARY)


def test_coverage_counts_words_and_tokens(tmp_path):
    vectors = read(write(tmp_path, GLOVE), VOCABULARY)
    counts = {"the": 6, "fête": 1, "unheard": 2, "<pad>": 1}
    assert coverage(vectors, VOCABULARY, counts) == {"words": 0.5, "tokens": 0.7}
