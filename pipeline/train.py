"""Train the model, and save it as a bundle with its tokenizer and vocabulary."""

import polars as pl

from carousel import layout
from carousel.cli.output import say
from carousel.corpus import tables
from carousel.corpus.training_data import TrainingData
from carousel.files import write_json
from carousel.params import load, load_hparams
from carousel.task import find
from carousel.tracking import run as tracked
from carousel.tracking.store import main_checkout
from carousel.training import checkpoint, precision
from carousel.training.fit import describe, fit
from carousel.training.refit import refit
from pipeline.stage import run


def main() -> None:
    params, hparams = load(), load_hparams()
    params.sweep.check_storage()
    task, data = find(params.task), TrainingData.load(layout.ENCODED, layout.PARTS, layout.VECTORS)
    training = checkpoint.identity(hparams, data, precision.choose(hparams).name)
    with checkpoint.kept(main_checkout() / layout.STATE / "checkpoints", training) as checkpoints:
        with tracked.started(params, hparams, checkpoints) as logger:
            fitted = fit(task.make_learner, hparams, data, logger=logger, checkpoints=checkpoints)
            fitted = refit(task.make_learner, hparams, fitted, data, checkpoints=checkpoints)
            bundle = task.bundle(fitted.model, data.parts, params)
            report = describe(fitted)
            tracked.log_training(
                bundle, report, fitted.history, fitted.norms, clip_norm=hparams.train.clip_norm, refit=fitted.refit
            )
            bundle.save(layout.BUNDLE)  # then `started` writes models/run.json
        write_json(layout.TRAIN_REPORT, report)
        measured = [*(metric.name for metric in task.metrics), "loss"]
        write_json(layout.VAL_REPORT, {name: report[f"val_{name}"] for name in measured})
        # the plot in dvc.yaml is the same for all tasks
        curves = pl.DataFrame(fitted.history).with_columns(val_score=pl.col(f"val_{fitted.monitor.name}"))
        tables.write(curves, layout.CURVES_REPORT)
    monitor = fitted.monitor
    say(
        f"best epoch {report['best_epoch']} of {report['epochs']}: val {monitor.title} "
        f"{report[f'val_{monitor.name}']:.4f}; {report['tokens_per_second']:,} tokens/s; bundle "
        f"{bundle.fingerprint[:12]} of {report['documents']:,} {task.scoring.example}s in models/bundle"
    )


if __name__ == "__main__":
    run(main)
