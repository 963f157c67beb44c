import numpy as np
import pytest
import pytorch_lightning as lightning
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from carousel.nn.batch import pad
from carousel.tasks.classification.learner import ClassificationLearner, balanced, batches, soft_loss
from carousel.tasks.classification.params import Train
from tests.support import networks
from tests.support.datasets import dataset, documents_of

WORDS, CLASSES = 12, 3

# Lightning advises loader workers, which documents in memory do not need, and uses what torch 2.13 deprecates
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.*:FutureWarning"),
]


def documents(count=30, seed=0):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 10, count)
    return dataset([random.integers(1, WORDS, length) for length in lengths], np.arange(count) % CLASSES)


def learner(steps=20, seed=0, label_documents=None, **train):
    torch.manual_seed(seed)
    model = networks.classifier(WORDS, CLASSES, embedding_size=8, hidden_size=8, dropout=0.5)
    made = ClassificationLearner(model, Train(**train), label_documents)
    made.steps = steps
    return made


def validated(module, encoded, batch_tokens):
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False
    )
    (found,) = trainer.validate(module, module.batches(encoded, batch_tokens), verbose=False)
    return found


# Figures are of the documents, not of the batches


@pytest.mark.parametrize("batch_tokens", [1, 25, 10_000])
def test_validation_figures_are_those_of_all_documents_however_they_are_batched(batch_tokens):
    module, encoded = learner(), documents()
    with torch.inference_mode():
        logits = module.model.eval()(*pad(documents_of(encoded)))
    targets, predicted = torch.from_numpy(encoded.scalars["targets"]), logits.argmax(-1)
    found = validated(module, encoded, batch_tokens)
    assert set(found) == {"val/loss", "val/accuracy", "val/macro_f1"}
    assert f"val/{module.monitor.name}" in found
    assert found["val/loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, targets).item(), rel=1e-5)
    assert found["val/accuracy"] == pytest.approx((predicted == targets).float().mean().item())
    assert found["val/macro_f1"] == pytest.approx(f1_score(targets, predicted, average="macro"))


def test_figures_begin_anew_with_every_epoch():
    module, encoded = learner(), documents()
    first = validated(module, encoded, 50)
    validated(module, documents(seed=1), 50)
    assert validated(module, encoded, 50) == first


# Optimization


@pytest.mark.parametrize("batch_tokens", [1, 25, 60])
def test_an_epochs_mean_gradient_is_that_of_all_documents_however_they_are_batched(batch_tokens):
    encoded = documents()
    loader = batches(encoded, batch_tokens)
    sizes = {len(batch.targets) for batch in loader}
    assert len(sizes) > 1 or batch_tokens == 1
    module = learner()
    module.plan(3, loader)
    assert module.steps == 3 * len(loader)
    module.eval()  # without dropout
    for index, batch in enumerate(loader):
        (module.training_step(batch, index) / len(loader)).backward()
    found = [parameter.grad.clone() for parameter in module.model.parameters()]
    module.zero_grad()
    ids, lengths = pad(documents_of(encoded))
    torch.nn.functional.cross_entropy(
        module.model(ids, lengths), torch.from_numpy(encoded.scalars["targets"])
    ).backward()
    for one, parameter in zip(found, module.model.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-4, atol=1e-6)


def test_weight_decay_spares_biases_and_the_embedding():
    module = learner(weight_decay=0.03)
    names = {id(parameter): name for name, parameter in module.model.named_parameters()}
    decay = {
        names[id(parameter)]: group["weight_decay"]
        for group in module.configure_optimizers()["optimizer"].param_groups
        for parameter in group["params"]
    }
    assert set(decay) == set(names.values())
    for name, share in decay.items():
        assert share == (0.0 if "bias" in name or name.startswith("embedding") else 0.03)


def rates(module):
    """Return the learning rate of each step of a run."""
    configured = module.configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    assert configured["lr_scheduler"]["interval"] == "step"
    found = []
    for _ in range(module.steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@given(steps=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_a_run_of_any_number_of_steps_has_a_schedule_that_stays_under_its_peak(steps):
    found = rates(learner(steps=steps, learning_rate=0.01))
    assert len(found) == steps
    assert all(0 < rate <= 0.01 + 1e-9 for rate in found)


def test_the_learning_rate_rises_for_a_tenth_and_falls_to_nearly_nothing():
    found = rates(learner(steps=100, learning_rate=0.01))
    peak = int(np.argmax(found))
    assert peak == 9
    assert found[peak] == pytest.approx(0.01)
    assert found[:peak] == sorted(found[:peak])
    assert found[peak:] == sorted(found[peak:], reverse=True)
    assert found[-1] < 0.01 / 1000


# Class weights and smoothed targets


@given(counts=st.lists(st.integers(1, 1000), min_size=2, max_size=8))
@settings(deadline=None)
def test_balanced_weights_make_labels_alike_and_a_document_weigh_1_on_average(counts):
    counts = np.array(counts)
    weights = balanced(counts).double().numpy()
    np.testing.assert_allclose(weights, counts.sum() / (len(counts) * counts), rtol=1e-6)
    np.testing.assert_allclose(weights * counts, (weights * counts)[0], rtol=1e-6)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("batch_tokens", [1, 25, 60])
def test_weights_are_of_documents_however_they_are_batched(batch_tokens):
    encoded = documents()
    encoded.scalars["targets"][:] = np.arange(len(encoded)) % 10 % CLASSES  # 4 : 3 : 3
    counts = np.bincount(encoded.scalars["targets"])
    loader = batches(encoded, batch_tokens)
    module = learner(label_documents=counts, class_weights="balanced", label_smoothing=0.1).eval()
    module.plan(1, loader)
    found = sum(module.training_step(batch, i) for i, batch in enumerate(loader)) / len(loader)
    ids, lengths = pad(documents_of(encoded))
    logs = module.model(ids, lengths).log_softmax(-1)
    targets = torch.from_numpy(encoded.scalars["targets"])
    smoothed = 0.9 * torch.nn.functional.one_hot(targets, CLASSES) + 0.1 / CLASSES
    expected = (-(smoothed * logs).sum(-1) * torch.from_numpy(len(encoded) / (CLASSES * counts))[targets]).mean()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_validation_loss_knows_neither_weights_nor_smoothing():
    encoded = documents()
    weighted = learner(label_documents=np.array([1, 2, 27]), class_weights="balanced", label_smoothing=0.2)
    assert validated(weighted, encoded, 50) == validated(learner(), encoded, 50)
    assert list(weighted.state_dict()) == list(learner().state_dict())


# A teacher's predictions


def scores_of(rows, seed):
    return torch.randn(rows, CLASSES, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3


@given(rows=st.integers(1, 20), seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_a_teacher_that_is_certain_of_the_labels_gives_their_cross_entropy(rows, seed):
    logits, targets = scores_of(rows, seed), torch.arange(rows) % CLASSES
    certain = 1e4 * torch.nn.functional.one_hot(targets, CLASSES).double()
    expected = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(soft_loss(logits, certain, 1.0), expected)


@given(rows=st.integers(1, 20), seed=st.integers(0, 100), temperature=st.floats(1, 20))
@settings(max_examples=30, deadline=None)
def test_its_gradient_is_the_difference_of_softened_probabilities_times_the_temperature(rows, seed, temperature):
    # Hinton et al. 2015, equation 2, times T²
    logits, teacher = scores_of(rows, seed).requires_grad_(), scores_of(rows, seed + 1)
    soft_loss(logits, teacher, temperature).sum().backward()
    expected = temperature * ((logits / temperature).softmax(-1) - (teacher / temperature).softmax(-1))
    torch.testing.assert_close(logits.grad, expected.detach())


def test_a_student_that_predicts_what_its_teacher_does_learns_nothing_from_it():
    logits = scores_of(5, 0).requires_grad_()
    soft_loss(logits, logits.detach(), 2.0).sum().backward()
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_distillation_is_the_share_of_the_teachers_loss(class_weights):
    logits, teacher, targets = scores_of(9, 0).float(), scores_of(9, 1).float(), torch.arange(9) % CLASSES

    def loss(distillation, given=teacher):
        train = {
            "temperature": 2.0,
            "distillation": distillation,
            "class_weights": class_weights,
            "label_smoothing": 0.1,
        }
        return learner(label_documents=np.array([1, 2, 6]), **train).training_loss(logits, targets, given)

    assert torch.equal(loss(0.0), loss(0.5, given=None))
    torch.testing.assert_close(loss(0.25), 0.75 * loss(0.0) + 0.25 * loss(1.0))
    if class_weights == "none":
        torch.testing.assert_close(loss(1.0), soft_loss(logits, teacher, 2.0).mean())
