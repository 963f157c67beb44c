from dataclasses import fields

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import load_study
from optuna.trial import TrialState

from carousel.corpus.encoded import Encoded
from carousel.params import Hparams, Model, Range, Sweep, Train
from carousel.search.study import PRUNERS, SAMPLERS, Swept, best_so_far, identity, search

WORDS = 8

HPARAMS = Hparams(
    model=Model(
        cell="gru",
        embedding_size=8,
        hidden_size=8,
        dropout=0.0,
        embedding_dropout=0.0,
        word_dropout=0.0,
        bigram_buckets=0,
    ),
    train=Train(epochs=5, batch_tokens=256, learning_rate=0.03),
)
SPACE = {"train.learning_rate": Range(low=0.001, high=0.1, log=True), "model.hidden_size": [4, 8]}


def documents(count, seed):
    """Return documents whose label is whether word 2 or word 3 is among the others."""
    random = np.random.default_rng(seed)
    lengths = random.integers(2, 6, count)
    ids, offsets = random.integers(4, WORDS, lengths.sum(), dtype=np.int32), np.concatenate([[0], lengths.cumsum()])
    targets = np.arange(count) % 2
    ids[offsets[:-1]] = 2 + targets
    return Encoded(ids, offsets, targets, ("x", "y"), tuple(map(str, range(count))))


TRAIN, VAL = documents(60, seed=0), documents(30, seed=1)


def sweep(trials=3, **changes):
    return Sweep(**{"trials": trials, "epochs": 2, "pruner": "none", "space": SPACE, **changes})


class Run:
    """Searches in one journal, and which trials each of them ran."""

    def __init__(self, folder):
        self.journal = folder / "state" / "studies.journal"
        self.ran = []

    def __call__(self, wanted, hparams=HPARAMS, train=TRAIN):
        self.ran = []
        return search(
            wanted,
            hparams,
            train,
            VAL,
            WORDS,
            journal=self.journal,
            on_trial=lambda _study, trial: self.ran.append(trial.number),
        )

    def study(self, wanted):
        """Read the journal as another process would."""
        storage = JournalStorage(JournalFileBackend(str(self.journal)))
        return load_study(study_name=identity(wanted, HPARAMS, TRAIN, VAL), storage=storage)


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def tried(swept):
    return [trial.params for trial in swept.trials]


def found(swept):
    return [(trial.params, trial.state, trial.intermediate_values) for trial in swept.trials]


# A sweep


def test_a_sweep_tries_params_own_values_first_and_returns_the_best(run):
    swept = run(sweep())
    assert run.ran == [0, 1, 2]
    assert tried(swept)[0] == {"train.learning_rate": 0.03, "model.hidden_size": 8}
    assert len({tuple(values.items()) for values in tried(swept)}) == 3
    best = max(swept.trials, key=lambda trial: trial.value)
    assert swept.hparams.train.learning_rate == best.params["train.learning_rate"]
    assert swept.hparams.model.hidden_size == best.params["model.hidden_size"]


def test_the_winner_is_trained_as_long_as_params_say_and_keeps_every_other_value(run):
    swept = run(sweep())
    assert [len(trial.intermediate_values) for trial in swept.trials] == [2, 2, 2]
    assert swept.hparams.train.epochs == HPARAMS.train.epochs
    own = {"train": {"learning_rate": 0.03}, "model": {"hidden_size": 8}}
    restored = {section: {**values, **own[section]} for section, values in swept.hparams.model_dump().items()}
    assert restored == HPARAMS.model_dump()


def test_a_trial_never_takes_more_epochs_than_params_give_training(run):
    swept = run(sweep(1, epochs=4), HPARAMS.model_copy(update={"train": Train(epochs=1, batch_tokens=256)}))
    assert len(swept.trials[0].intermediate_values) == 1


def test_values_outside_the_space_are_not_tried(run):
    swept = run(sweep(2, space={"model.hidden_size": [4, 5]}))
    assert all(values["model.hidden_size"] in (4, 5) for values in tried(swept))


def test_a_trials_value_is_its_best_epochs_and_its_history_is_kept(run):
    for trial in run(sweep(2)).trials:
        history = trial.user_attrs["history"]
        assert list(trial.intermediate_values.values()) == [row["val_accuracy"] for row in history]
        assert trial.value == best_so_far(trial) == max(row["val_accuracy"] for row in history)


# The same sweep goes on; another begins anew


def test_an_identical_sweep_trains_nothing_and_has_the_same_winner(run):
    first = run(sweep())
    again = run(sweep())
    assert run.ran == []
    assert again.hparams == first.hparams
    assert found(again) == found(first)
    assert again.report() == first.report()
    assert again.table().equals(first.table())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sweep_that_is_continued_tries_what_a_longer_one_would_have(tmp_path, sampler):
    whole = Run(tmp_path / "whole")(sweep(5, sampler=sampler))
    parts = Run(tmp_path / "parts")
    for trials in (1, 3, 5):
        continued = parts(sweep(trials, sampler=sampler))
    assert parts.ran == [3, 4]
    assert found(continued) == found(whole)
    assert len({tuple(values.items()) for values in tried(whole)}) == 5


def test_fewer_trials_than_there_are_run_none(run):
    run(sweep(2))
    run(sweep(1))
    assert run.ran == []


def test_the_seed_decides_what_is_tried(tmp_path):
    runs = [tried(Run(tmp_path / str(i))(sweep(seed=seed))) for i, seed in enumerate([1, 1, 2])]
    assert runs[0] == runs[1]
    assert not [values for values in runs[2][1:] if values in runs[0]]


class Interrupting(Encoded):
    """Documents that press Ctrl+C after so many have been read."""

    def document(self, index):
        reads[0] -= 1
        if reads[0] == 0:
            raise KeyboardInterrupt
        return super().document(index)


reads = [0]
EPOCHS_READ = 2 * len(TRAIN)  # of one trial


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path, finished):
    reads[0] = finished * EPOCHS_READ + len(TRAIN) + 1  # in the second epoch of the next trial
    interrupting = Interrupting(**{field.name: getattr(TRAIN, field.name) for field in fields(TRAIN)})
    run = Run(tmp_path / "interrupted")
    with pytest.raises(KeyboardInterrupt):
        run(sweep(), train=interrupting)
    states = [trial.state for trial in run.study(sweep()).get_trials()]
    assert states == [TrialState.COMPLETE] * finished + [TrialState.FAIL]

    continued = run(sweep())
    assert len(run.ran) == 3 - finished
    whole = Run(tmp_path / "whole")(sweep())
    assert found(continued) == found(whole)
    assert continued.hparams == whole.hparams


def test_identity_is_of_space_data_and_hparams_and_not_of_how_many_trials():
    def one(train=TRAIN, val=VAL, hparams=HPARAMS, **changes):
        return identity(sweep(**changes), hparams, train, val)

    assert one() == one(trials=3) == one(trials=30)
    other_train = HPARAMS.model_copy(update={"train": Train(learning_rate=0.02)})
    others = [
        one(train=documents(60, seed=2)),
        one(val=documents(30, seed=2)),
        one(hparams=other_train),
        one(space={**SPACE, "model.hidden_size": [4, 16]}),
        one(space={"model.hidden_size": [4, 8]}),
        one(epochs=3),
        one(seed=1),
        one(sampler="random"),
        one(pruner="median"),
    ]
    assert len({one(), *others}) == 1 + len(others)


def test_other_data_begin_anew_in_the_same_journal(run):
    run(sweep(1))
    run(sweep(1), train=documents(60, seed=2))
    assert run.ran == [0]
    run(sweep(1))
    assert run.ran == []


# Pruning


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    """A sweep in which the learning rate decides, so that the poor ones are pruned."""
    run = Run(tmp_path_factory.mktemp("pruned"))
    space = {"train.learning_rate": [0.03, 1e-8]}
    return run(sweep(8, epochs=5, pruner="median", sampler="random", space=space))


def test_a_pruned_trial_is_counted_as_pruned(pruned):
    states = [trial.state for trial in pruned.trials]
    assert set(states) == {TrialState.COMPLETE, TrialState.PRUNED}
    assert len(states) == pruned.report()["trials"] == 8
    assert states.count(TrialState.PRUNED) == pruned.report()["pruned"]
    assert pruned.table()["state"].to_list() == [state.name.lower() for state in states]


def test_a_pruned_trial_is_a_poor_one_that_stopped_early(pruned):
    for trial in pruned.trials:
        if trial.state is TrialState.PRUNED:
            assert trial.params["train.learning_rate"] == 1e-8
            assert len(trial.intermediate_values) < 5
            assert best_so_far(trial) < pruned.report()["best_val_accuracy"]


def test_the_best_trial_is_a_finished_one(pruned):
    best = pruned.trials[pruned.report()["best_trial"]]
    assert best.state is TrialState.COMPLETE
    assert best.value == pruned.report()["best_val_accuracy"] == pruned.table()["val_accuracy"].max()
    assert pruned.hparams.train.learning_rate == pruned.report()["best"]["train.learning_rate"] == 0.03


def test_a_pruned_trial_is_the_best_only_if_none_finished():
    study = optuna.create_study(direction="maximize")
    for reached, state in [(0.4, "PRUNED"), (0.9, "PRUNED"), (0.8, "COMPLETE")]:
        last = Swept(HPARAMS, study).best.number if study.trials else None
        study.add_trial(
            optuna.trial.create_trial(
                state=TrialState[state], value=reached, intermediate_values={0: reached, 1: 0.1}
            )
        )
    assert last == 1
    assert Swept(HPARAMS, study).best.number == 2


def test_the_table_has_a_row_a_trial_and_a_column_a_key(pruned):
    table = pruned.table()
    assert table.columns == ["trial", "state", "val_accuracy", "seconds", "train.learning_rate"]
    assert table["trial"].to_list() == list(range(8))
    assert (table["seconds"] > 0).all()


@pytest.mark.parametrize("pruner", PRUNERS)
def test_every_pruner_lets_a_sweep_finish(run, pruner):
    assert len(run(sweep(4, epochs=3, pruner=pruner)).trials) == 4
