import pytest

from carousel.tasks.tagging import python_names


@pytest.fixture(scope="module")
def library():
    return python_names.read({"textwrap", "json"})


def test_only_the_modules_that_are_named_are_documented(library):
    assert {definition.name.split(".")[0] for definition in library.definitions} == {"textwrap", "json"}


def test_names_are_read_from_every_module(library):
    assert library.members["os"]["walk"] == "FUNCTION"
    assert library.members["collections"]["OrderedDict"] == "CLASS"
    assert library.members["configparser"]["NoSectionError"] == "EXCEPTION"
    assert library.members["asyncio.constants"]["SENDFILE_FALLBACK_READBUFFER_SIZE"] == "CONSTANT"
    assert library.only_kind("OrderedDict") == "CLASS"
    assert library.only_kind("no_such_name") is None
    assert not [name for name in library.members if ".test" in name or name.startswith("idlelib")]


def test_a_definition_has_its_parameters_and_its_scope(library):
    by_name = {definition.name: definition for definition in library.definitions}
    assert by_name["textwrap.indent"].parameters == {"text", "prefix", "predicate"}
    assert by_name["textwrap.TextWrapper.wrap"].parameters == {"text"}
    assert "initial_indent" in by_name["textwrap.TextWrapper"].parameters  # those of __init__
    assert by_name["textwrap"].parameters == frozenset()
    scope = by_name["textwrap.TextWrapper.wrap"].scope
    assert (scope["fill"], scope["dedent"], scope["TextWrapper"], scope["re"]) == (
        "FUNCTION", "FUNCTION", "CLASS", "MODULE",
    )  # fmt: skip
    assert by_name["json.load"].scope["JSONDecodeError"] == "EXCEPTION"  # imported
    assert "self" not in by_name["textwrap.TextWrapper.wrap"].parameters


@pytest.mark.parametrize(
    ("name", "kind"),
    [("None", "CONSTANT"), ("OSError", "EXCEPTION"), ("int", "CLASS"), ("open", "FUNCTION"), ("x", None)],
)
def test_the_kinds_of_built_in_names(name, kind):
    assert python_names.builtin(name) == kind
