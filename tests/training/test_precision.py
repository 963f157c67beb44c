import pytest

from carousel.errors import UserError
from carousel.training import precision
from carousel.training.precision import BF16_HIDDEN_SIZE, choose
from tests.training.order_problem import fitted, hparams

WIDE = {"hidden_size": BF16_HIDDEN_SIZE}


@pytest.fixture
def on(monkeypatch):
    """Return a function that pretends to be on another machine."""

    def pretend(device="this processor", bf16=True, refusal=None):
        monkeypatch.setattr(precision, "hardware", lambda: (device, bf16))
        monkeypatch.setattr(precision, "_refusal", lambda: refusal)

    return pretend


def chosen(asked="auto", cell="lstm", model=None):
    return choose(hparams(cell, model or WIDE, precision=asked))


def test_auto_is_bf16_where_the_hardware_has_it(on):
    on()
    assert chosen().name == "bf16"
    assert chosen().reason == "this processor has bf16 instructions"
    on("this GPU")
    assert chosen(cell="gru", model={}).name == "bf16"


def test_auto_is_fp32_where_it_would_be_emulated(on):
    on(bf16=False)
    assert chosen().name == "fp32"
    assert chosen().reason == "this processor has no bf16 instructions"


@pytest.mark.parametrize(("cell", "model"), [("lstm", {"hidden_size": BF16_HIDDEN_SIZE - 1}), ("gru", WIDE)])
def test_auto_is_fp32_where_bf16_does_not_pay(cell, model, on):
    on()
    assert chosen("auto", cell, model).name == "fp32"
    assert "bf16 forces it" in chosen("auto", cell, model).reason
    assert chosen("bf16", cell, model).name == "bf16"


@pytest.mark.parametrize("asked", ["auto", "bf16"])
def test_kernels_that_refuse_bf16_fall_back_with_the_reason(asked, on):
    on(refusal="could not create a primitive descriptor")
    assert chosen(asked).name == "fp32"
    assert chosen(asked).reason == (
        "this processor refuses bf16 recurrent kernels: could not create a primitive descriptor"
    )


def test_what_a_person_says_holds(on):
    on()
    assert chosen("fp32").name == "fp32"
    assert chosen("bf16").name == "bf16"


def test_bf16_where_there_is_none_is_a_mistake(on):
    on(bf16=False)
    with pytest.raises(
        UserError, match=r"^train.precision: this processor has no bf16 instructions.*use auto or fp32$"
    ):
        chosen("bf16")


def test_a_refusal_is_what_the_framework_says(monkeypatch):
    def refuse(*_arguments, **_options):
        raise RuntimeError("no such kernel\nat line 5")

    monkeypatch.setattr(precision.nn, "LSTM", refuse)
    assert precision._refusal.__wrapped__() == "no such kernel"


def test_this_machine_has_an_answer():
    assert chosen().name in ("fp32", "bf16")


@pytest.mark.parametrize("cell", ["lstm", "gru", "min_gru"])
def test_a_model_learns_in_bf16_too(cell, on):
    if cell == "lstm" and precision._refusal():
        pytest.skip(f"this processor's kernels refuse: {precision._refusal()}")
    on()
    found = fitted(hparams(cell, {"layers": 2}, precision="bf16", epochs=20, patience=20))
    assert found.precision.name == "bf16"
    assert found.best["val_accuracy"] > 0.9
    assert all(weights.dtype.itemsize == 4 for weights in found.model.state_dict().values())
