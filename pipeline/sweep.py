"""Search the hyperparameters that sweep.space names, or take them all from params.yaml."""

from pathlib import Path

from carousel.corpus.encoded import Encoded
from carousel.corpus.tables import write
from carousel.files import write_json, write_text
from carousel.params import HPARAMS_FILE, Hparams, load
from carousel.text.vocabulary import Vocabulary
from pipeline.stage import run


def main() -> None:
    params = load()
    hparams = Hparams(model=params.model, train=params.train)
    report: dict[str, object] = {"trials": 0}
    if params.sweep.trials and params.sweep.space:
        from carousel.search.study import search
        from carousel.tracking.store import STATE, main_checkout
        from carousel.tracking.sweep import SweepRuns

        runs = SweepRuns(params)
        swept = search(
            params.sweep,
            hparams,
            Encoded.load(Path("data/encoded/train")),
            Encoded.load(Path("data/encoded/val")),
            len(Vocabulary.from_text(Path("artifacts/vocab.txt").read_text("utf-8"))),
            journal=main_checkout() / STATE / "studies.journal",
            on_trial=runs.add,
        )
        runs.finish(swept)
        hparams, report = swept.hparams, swept.report()
        write(swept.table(), Path("reports/sweep/trials.csv"))
        print(f"best of {report['trials']} trials ({report['pruned']} pruned): {report['best']}")
    else:
        write_text(Path("reports/sweep/trials.csv"), "trial,state,val_accuracy,seconds\n")
        print("nothing to search: sweep.trials is 0 or sweep.space is empty; the values are params.yaml's")
    write_text(HPARAMS_FILE, hparams.to_yaml())
    write_json(Path("reports/sweep.json"), report)


if __name__ == "__main__":
    run(main)
