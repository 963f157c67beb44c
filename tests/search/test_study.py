import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from carousel.errors import UserError
from carousel.params import Range, replace
from carousel.search import storage
from carousel.search.pruners import PRUNERS
from carousel.search.storage import open_storage
from carousel.search.study import SEED_OF, Study, find, identity
from carousel.tasks.classification.params import Model, Train
from tests.search.stand_in import HPARAMS, SPACE, formula, found, sweep

POOR = {"train.learning_rate": [0.01, 0.5], "model.hidden_size": Range(low=4, high=12)}


# The same sweep goes on; another begins anew


def test_an_identical_sweep_trains_nothing_and_has_the_same_winner(tmp_path):
    first, again = (formula(tmp_path / "journal", sweep(4)) for _ in range(2))
    assert found(again) == found(first)
    assert again.report() == first.report()
    assert again.hparams == first.hparams


def test_fewer_trials_than_there_are_run_none(tmp_path):
    for trials in (3, 1):
        assert len(formula(tmp_path / "journal", sweep(trials)).trials) == 3


def test_identity_is_of_data_space_and_objective_and_of_no_value_that_is_searched(monkeypatch):
    def one(documents=("these",), hparams=HPARAMS, **changes):
        return identity(sweep(**changes), hparams, list(documents))

    searched = HPARAMS.model_copy(update={"train": HPARAMS.train.model_copy(update={"learning_rate": 0.02})})
    same = [
        one(trials=30),
        one(workers=4),
        one(recycle=1),
        one(enqueue=[{"model.hidden_size": 4}]),
        one(hparams=searched),
        one(hparams=replace(HPARAMS, {"train.refit": "always"})),  # no trial has a second training
    ]
    assert set(same) == {one()}
    fixed = HPARAMS.model_copy(update={"train": HPARAMS.train.model_copy(update={"clip_norm": 0.5})})
    others = [
        one(documents=["others"]),
        one(hparams=fixed),
        one(space={**SPACE, "model.hidden_size": [4, 16]}),
        one(space={"model.hidden_size": [4, 8]}),
        one(epochs=3),
        one(seed=1),
        one(sampler="random"),
        one(pruner="median"),
        one(objectives=["val_loss"]),
    ]
    monkeypatch.setattr("carousel.search.study.code.digest", lambda _task: "other code")
    others.append(one())
    monkeypatch.undo()
    assert len({one(), *others}) == 1 + len(others)


# Values that come first


def test_params_own_values_come_first_then_those_enqueued_and_none_twice(tmp_path):
    entries = [{"model.hidden_size": 4}, {"train.learning_rate": 0.03}, {"train.learning_rate": 0.001}]
    tried = [trial.params for trial in formula(tmp_path / "journal", sweep(4, enqueue=entries)).trials]
    assert tried[:3] == [
        {"train.learning_rate": 0.03, "model.hidden_size": 8},
        {"train.learning_rate": 0.03, "model.hidden_size": 4},
        {"train.learning_rate": 0.001, "model.hidden_size": 8},
    ]
    assert tried[3] not in tried[:3]


def test_values_that_are_enqueued_later_come_next(tmp_path):
    formula(tmp_path / "journal", sweep(2))
    outcome = formula(tmp_path / "journal", sweep(3, enqueue=[{"train.learning_rate": 0.002}]))
    assert outcome.trials[-1].params == {"train.learning_rate": 0.002, "model.hidden_size": 8}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"model.cell": "gru"}, "sweep.enqueue.0.model.cell: model.cell is not in sweep.space"),
        ({"model.hidden_size": 5}, "sweep.enqueue.0: .* lies outside sweep.space"),
        ({"train.learning_rate": 0.2}, "sweep.enqueue.0: .* lies outside sweep.space"),
    ],
)
def test_an_entry_that_no_trial_could_try_is_refused(tmp_path, entry, message):
    with pytest.raises(UserError, match=f"^params.yaml: {message}"):
        formula(tmp_path / "journal", sweep(enqueue=[entry]))


# Killed after any write


class Killed(BaseException):
    """What a kill is to the process that it ends."""


class Dying(JournalFileBackend):
    """A journal whose process dies at its n-th write: before it, or with half of it on the disk."""

    left = 0
    torn = False

    def append_logs(self, logs):
        Dying.left -= 1
        if Dying.left == 0:
            if Dying.torn:
                with open(self._file_path, "ab") as file:  # noqa: PTH123 - as Optuna writes
                    file.write(b'{"op_code":4,"worker_')
            raise Killed
        super().append_logs(logs)


@pytest.mark.parametrize("torn", [False, True], ids=["nothing written", "half a line written"])
@pytest.mark.parametrize("sampler", ["tpe", "qmc"])
def test_a_sweep_that_dies_at_any_write_ends_as_if_it_had_not(tmp_path, monkeypatch, sampler, torn):
    wanted = sweep(6, epochs=3, sampler=sampler, pruner="median")
    whole = formula(tmp_path / "whole", wanted)
    assert TrialState.PRUNED in {trial.state for trial in whole.trials}
    monkeypatch.setattr(storage, "JournalFileBackend", Dying)
    monkeypatch.setattr(Dying, "torn", torn)
    deaths = 0
    for step in (3, 7, 1, 5, 2, 11, 4, 13) * 20:
        monkeypatch.setattr(Dying, "left", step)
        try:
            parts = formula(tmp_path / "parts", wanted)
        except Killed:
            deaths += 1
        else:
            break
    assert deaths > 8
    assert found(parts) == found(whole)
    assert parts.report() == whole.report()


# Pruning


@pytest.mark.parametrize("pruner", PRUNERS)
def test_every_pruner_but_none_stops_poor_trials_early(tmp_path, pruner):
    hparams = HPARAMS.model_copy(update={"train": Train(epochs=9, learning_rate=0.01)})
    outcome = formula(
        tmp_path / "journal", sweep(18, epochs=9, pruner=pruner, sampler="random", space=POOR), hparams
    )
    pruned = [trial for trial in outcome.trials if trial.state is TrialState.PRUNED]
    assert len(outcome.trials) == 18
    if pruner in ("none", "patient"):  # none of these curves ever falls
        assert not pruned
        return
    assert pruned
    assert all(len(trial.intermediate_values) < 9 for trial in pruned)
    assert outcome.spared == sum(2.0 * (9 - len(trial.intermediate_values)) for trial in pruned)
    assert outcome.best.state is TrialState.COMPLETE


# Another study's trials


def test_a_changed_space_begins_with_the_trials_that_still_fit(tmp_path):
    first = formula(tmp_path / "journal", sweep(6))
    narrow = {"train.learning_rate": Range(low=0.001, high=0.1, log=True)}  # hidden size is params' own: 8
    second = formula(tmp_path / "journal", sweep(2, space=narrow))
    fitting = [trial for trial in first.trials if trial.params["model.hidden_size"] == 8]
    taken = [trial for trial in second.study.trials if SEED_OF in trial.user_attrs]
    assert 0 < len(fitting) < 6
    assert [trial.values for trial in taken] == [trial.values for trial in fitting]
    assert [trial.params for trial in taken] == [
        {"train.learning_rate": trial.params["train.learning_rate"]} for trial in fitting
    ]
    assert len(second.trials) == second.report()["trials"] == 2
    assert second.report()["seeded"] == len(fitting)
    assert found(formula(tmp_path / "journal", sweep(2, space=narrow))) == found(second)


def test_trials_of_other_documents_or_other_fixed_values_are_not_taken(tmp_path):
    formula(tmp_path / "journal", sweep(2))
    wider = {**SPACE, "model.dropout": [0.0, 0.5]}
    for documents, hparams in (
        (["others"], HPARAMS),
        (["these"], HPARAMS.model_copy(update={"model": Model(cell="lstm", hidden_size=8)})),
    ):
        outcome = formula(tmp_path / "journal", sweep(1, space=wider), hparams, documents)
        assert outcome.report()["seeded"] == 0
    assert formula(tmp_path / "journal", sweep(1, space=wider, fraction=0.5)).report()["seeded"] == 0
    assert formula(tmp_path / "journal", sweep(1, space=wider)).report()["seeded"] == 2


# Looking for a study


def test_the_latest_study_is_found_or_one_by_its_name(tmp_path):
    older, newer = (formula(tmp_path / "journal", sweep(1, seed=seed)).study for seed in (1, 2))
    opened = open_storage(tmp_path / "journal")
    assert find(opened).name == newer.name
    again = find(opened, older.name)
    assert again.sweep.model_dump() == older.sweep.model_dump()
    assert (again.hparams, again.documents) == (HPARAMS, ["these"])
    with pytest.raises(UserError, match=f"--study nowhere: not in this storage; studies there: .*{older.name}"):
        find(opened, "nowhere")
    with pytest.raises(UserError, match="the storage has no study"):
        find(open_storage(tmp_path / "empty"))


def test_another_process_reads_the_journal(tmp_path):
    outcome = formula(tmp_path / "journal", sweep(2))
    plain = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
    study = Study(plain, sweep(2), HPARAMS, ["these"])
    assert [trial.params for trial in study.ended] == [trial.params for trial in outcome.trials]
