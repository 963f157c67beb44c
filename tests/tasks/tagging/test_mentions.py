import pytest

from carousel.tasks.tagging.mentions import UncertainError, sentences, tagged
from carousel.tasks.tagging.python_names import Definition, Library

DEFINITION = Definition(
    "shutil.copy",
    "",
    frozenset({"name", "max_length", "dst", "func"}),
    {
        "copytree": "FUNCTION",
        "run": "FUNCTION",
        "Message": "CLASS",
        "FTP": "CLASS",
        "DEBUG": "CONSTANT",
        "os": "MODULE",
    },
)
LIBRARY = Library(members={"os.path": {"join": "FUNCTION"}, "os": {}, "string": {}, "this": {}})
LIBRARY.kinds |= {
    "OrderedDict": {"CLASS"},
    "os_walk": {"FUNCTION"},
    "is_file": {"FUNCTION", "CLASS"},
    "join": {"FUNCTION"},
}
WORDS = {"name", "the", "func", "run", "not", "string"}


def names(sentence):
    """Return a sentence's tokens, each name as `token/tag`."""
    tokens, tags = tagged(sentence, DEFINITION, LIBRARY, WORDS)
    return " ".join(token if tag == "O" else f"{token}/{tag}" for token, tag in zip(tokens, tags, strict=True))


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        # parameters
        ("Use *name* here.", "Use name/B-PARAMETER here ."),
        ("Use `name` or ``func()`` here.", "Use name/B-PARAMETER or func/B-PARAMETER here ."),
        ("Use 'name' here.", "Use name/B-PARAMETER here ."),
        ("The name argument is used.", "The name/B-PARAMETER argument is used ."),
        ("The argument name is used.", "The argument name/B-PARAMETER is used ."),
        ("name: what it is", "name/B-PARAMETER : what it is"),
        ("name -- what it is", "name/B-PARAMETER - - what it is"),
        ("If max_length is given", "If max_length/B-PARAMETER is given"),
        ("The dst's size", "The dst/B-PARAMETER 's size"),
        ("The file-name is file/name", "The file-name is file / name"),
        # functions, classes, modules
        ("Call run() and .", "Call run/B-FUNCTION and ."),
        ("Call x.read().", "Call x/B-FUNCTION ./I-FUNCTION read/I-FUNCTION ."),
        ("By os.path.join.", "By os/B-FUNCTION ./I-FUNCTION path/I-FUNCTION ./I-FUNCTION join/I-FUNCTION ."),
        ("See os.path.", "See os/B-MODULE ./I-MODULE path/I-MODULE ."),
        ("See the string module.", "See the string/B-MODULE module ."),
        ("This string and this module", "This string and this module"),
        ("Make an OrderedDict by os_walk", "Make an OrderedDict/B-CLASS by os_walk/B-FUNCTION"),
        ("Send a Message to the run", "Send a Message/B-CLASS to the run"),
        ("Make a list() by open()", "Make a list/B-CLASS by open/B-FUNCTION"),
        ("Raise OSError and *not* DEBUG", "Raise OSError/B-EXCEPTION and not DEBUG/B-CONSTANT"),
        ("None of these is None", "None of these is None/B-CONSTANT"),
    ],
)
def test_certain_names_are_tagged_and_lose_their_markup(sentence, expected):
    assert names(sentence) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Return the name of it.",
        'Use "name" here.',
        "Messages: Message is first? Return name",
        "Message objects are sent.",
        "An FTP server",
        "Call is_file first",
        "Call some_thing first",
        "Set `thing` first",
        "Set sys.stdout first",
        "See .method() first",
    ],
)
def test_a_sentence_with_an_uncertain_name_is_left_out(sentence):
    with pytest.raises(UncertainError):
        names(sentence)


def test_sentences_end_with_punctuation_and_items_of_lists_begin_one():
    text = "Copy it, e.g. a file. Return\nits name!\n\nArgs:\n  name: the name.\n  dst - where to, i.e. a path\n"
    assert [*sentences(text)] == [
        "Copy it, e.g. a file.",
        "Return its name!",
        "Args:",
        "name: the name.",
        "dst - where to, i.e. a path",
    ]


@pytest.mark.parametrize(
    "code", ["f(a, b) gives c", "x = 1", "a[0]", ">>> a", "a -> b", "x...", "C:\\x", "50%", "a/b"]
)
def test_what_looks_like_code_is_no_sentence(code):
    assert [*sentences(f"{code}\n\nA sentence.")] == ["A sentence."]
