"""Search the hyperparameters that sweep.space names, or take them all from params.yaml."""

from carousel import layout
from carousel.cli.output import say
from carousel.files import read_json, write_json, write_text
from carousel.params import TEACHER, Hparams, Params, load, replace
from pipeline.stage import run


def main() -> None:
    params = load()
    params.sweep.check_storage()
    hparams = params.hparams
    if layout.TEACHER.exists():  # an alias may move: the model is named by its number
        hparams = replace(hparams, {TEACHER: read_json(layout.TEACHER)["model"]})
    if params.sweep.trials and params.sweep.space:
        hparams = search(params, hparams)
    else:
        write_text(layout.TRIALS_REPORT, f"trial,state,{','.join(params.sweep.objectives)},seconds\n")
        write_json(layout.SWEEP_REPORT, {"trials": 0})
        say("nothing to search: sweep.trials is 0 or sweep.space is empty; the values are params.yaml's")
    write_text(layout.HPARAMS, hparams.to_yaml())


def search(params: Params, hparams: Hparams) -> Hparams:
    from carousel.corpus.tables import write
    from carousel.search import sweep
    from carousel.search.messages import Data
    from carousel.search.storage import JOURNAL, place
    from carousel.tracking.store import main_checkout, tracking_uri
    from carousel.tracking.sweep import Watched

    data = Data(params.task, layout.ENCODED, layout.PARTS, layout.VECTORS)
    where = place(params.sweep, main_checkout() / layout.STATE / JOURNAL)
    tracking_uri()  # a malformed one stops the sweep before its first trial
    with Watched(params) as watched:
        outcome = sweep.search(
            params.sweep,
            hparams,
            data,
            place=where,
            watcher=watched,
        )
        watched.finish(outcome)
    report = outcome.report()
    write(outcome.table(), layout.TRIALS_REPORT)
    write_json(layout.SWEEP_REPORT, report)
    say(f"best of {report['trials']} trials ({report['pruned']} pruned): {report['best']}")
    return outcome.hparams


if __name__ == "__main__":
    run(main)
