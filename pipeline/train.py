"""Train the classifier, and save it as a bundle with its tokenizer and vocabulary."""

import polars as pl

from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.corpus import pretrained as vectors
from carousel.corpus import tables
from carousel.corpus.encoded import Encoded
from carousel.files import write_json
from carousel.params import load, load_hparams
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import Vocabulary
from carousel.tracking import run as tracked
from carousel.tracking.store import main_checkout
from carousel.training import checkpoint, precision
from carousel.training.fit import describe, fit
from carousel.training.refit import refit
from pipeline.stage import run


def main() -> None:
    params, hparams = load(), load_hparams()
    params.sweep.check_storage()
    train, val = Encoded.load(layout.ENCODED / "train"), Encoded.load(layout.ENCODED / "val")
    tokenizer = Tokenizer.from_json(layout.TOKENIZER.read_text("utf-8"))
    vocabulary = Vocabulary.from_text(layout.VOCABULARY.read_text("utf-8"))
    pretrained = vectors.load(layout.VECTORS)
    training = checkpoint.identity(hparams, train, val, vocabulary, precision.choose(hparams).name, pretrained)
    with checkpoint.kept(main_checkout() / layout.STATE / "checkpoints", training) as checkpoints:
        with tracked.started(params, hparams, checkpoints) as logger:
            fitted = fit(
                hparams, train, val, vocabulary, pretrained=pretrained, logger=logger, checkpoints=checkpoints
            )
            fitted = refit(hparams, fitted, train, val, vocabulary, pretrained=pretrained, checkpoints=checkpoints)
            cut = params.encode
            bundle = Bundle(fitted.model, tokenizer, vocabulary, train.labels, cut.max_length, cut.truncation)
            report = describe(fitted)
            tracked.log_training(
                bundle, report, fitted.history, fitted.norms, clip_norm=hparams.train.clip_norm, refit=fitted.refit
            )
            bundle.save(layout.BUNDLE)  # then `started` writes models/run.json
        write_json(layout.TRAIN_REPORT, report)
        tables.write(pl.DataFrame(fitted.history), layout.CURVES_REPORT)
    print(
        f"best epoch {report['best_epoch']} of {report['epochs']}: val accuracy {report['val_accuracy']:.4f}; "
        f"{report['tokens_per_second']:,} tokens/s; bundle {bundle.fingerprint[:12]} of {report['documents']:,} "
        "documents in models/bundle"
    )


if __name__ == "__main__":
    run(main)
