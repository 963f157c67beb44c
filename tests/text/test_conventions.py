import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.errors import UserError
from carousel.text.conventions import check_agreement, reference
from carousel.text.subwords import build
from carousel.text.tokenizer import TOKENIZERS

each_tokenizer = pytest.mark.parametrize("name", ["basic_english", "split"])

TEXTS = ['The "best" film; 10/10!', "", "it's here (again)"]


def tokens_of(name, texts):
    return [TOKENIZERS[name].tokenize(text) for text in texts]


@each_tokenizer
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cn"])), max_size=10))
@settings(max_examples=50, deadline=None)
def test_our_tokens_pass(name, texts):
    check_agreement(TOKENIZERS[name], texts, tokens_of(name, texts))


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        (["it", "'", "s", "there", "(", "again", ")"], "'there' / 'here' in \"it's here"),
        (["it", "'", "s"], r"\['it', \"'\", 's'\] / \['it', \"'\", 's', 'here'"),
        ([], r"\[\] / \['it'"),
        (["it", "'", "s", "here", "(", "again", ")", "!"], "'!'"),
    ],
)
def test_a_planted_difference_is_told_with_both_tokens_and_the_text(planted, message):
    tokens = [*tokens_of("basic_english", TEXTS[:-1]), planted]
    with pytest.raises(UserError, match=f"tokenizer basic_english differs from torchtext's at .*{message}"):
        check_agreement(TOKENIZERS["basic_english"], TEXTS, tokens)


def test_another_tokenizers_tokens_are_a_difference():
    with pytest.raises(UserError, match="tokenizer split differs from torchtext's at 'the' / 'The'"):
        check_agreement(TOKENIZERS["split"], TEXTS, tokens_of("basic_english", TEXTS))


def test_a_missing_document_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="shorter"):
        check_agreement(TOKENIZERS["split"], TEXTS, tokens_of("split", TEXTS[:-1]))


def test_the_references_are_torchtexts_own():
    assert reference("basic_english").__module__.startswith("torchtext.")
    assert reference("split")("A b;\tc") == ["A", "b;", "c"]


def test_steps_before_torchtexts_own_are_applied_to_its_texts_too():
    tokenizer = build("basic_english", ["split_identifiers", *TOKENIZERS["basic_english"].normalization], [], 0)
    texts = ["getLineNumber(max_length)"]
    check_agreement(tokenizer, texts, [tokenizer.tokenize(texts[0])])
    with pytest.raises(UserError, match="differs from torchtext's"):
        check_agreement(tokenizer, texts, [["getlinenumber"]])


@pytest.mark.parametrize(
    ("name", "steps"), [("words", ["nfc"]), ("basic_english", ["casefold"]), ("split", ["nfc"])]
)
def test_what_torchtext_does_not_have_is_not_compared(name, steps):
    tokenizer = build(name, steps, [], 0)
    check_agreement(tokenizer, ["Straße"], [tokenizer.tokenize("Straße")])
