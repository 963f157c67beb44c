"""Every path of a project, from its root, and the names of the pipeline's stages."""

from pathlib import Path

STAGES = (
    "collect", "prepare", "tokenize", "build_vocab", "encode", "baseline", "sweep", "train", "evaluate", "register",
)  # fmt: skip

PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")
INSTALLED = Path("carousel.yaml")  # the version of Carousel that a project is for
PRESETS = Path("presets")  # {task}.yaml, complete parameters
LOCK = Path("dvc.lock")
STATE = Path(".carousel")  # checkpoints, sweeps and locks; git and DVC ignore it
MLFLOW_STORE = Path("mlflow.db")

DATA = Path("data")
DOCUMENTS = DATA / "raw/documents.parquet"
PREPARED = DATA / "prepared"  # {split}.parquet
DIGESTS = PREPARED / "digests.json"
TEST = PREPARED / "test.parquet"
TOKENS = DATA / "tokens"  # {split}.parquet
ENCODED = DATA / "encoded"  # {split}/
PREDICTIONS = DATA / "predictions/test.parquet"
BASELINE_PREDICTIONS = DATA / "predictions/baseline.parquet"
PRETRAINED = DATA / "vectors"  # files of word vectors that a user puts there

ARTIFACTS = Path("artifacts")
TOKENIZER = ARTIFACTS / "tokenizer.json"
PARTS = ARTIFACTS / "parts"  # vocabulary, tokenizer, and what else was fitted on the training split
VECTORS = ARTIFACTS / "vectors.npz"
HPARAMS = ARTIFACTS / "hparams.yaml"

MODELS = Path("models")
BUNDLE = MODELS / "bundle"
RUN = MODELS / "run.json"

REPORTS = Path("reports")
SECONDS = REPORTS / "seconds"  # {stage}.json
REJECTED = REPORTS / "rejected.jsonl"
SOURCE_REPORT = REPORTS / "source.json"
DATA_REPORT = REPORTS / "data.json"
LENGTHS_REPORT = REPORTS / "lengths.csv"
VOCABULARY_REPORT = REPORTS / "vocab.json"
VECTORS_REPORT = REPORTS / "vectors.json"
BASELINE_REPORT = REPORTS / "baseline.json"
BASELINE_FIT_REPORT = REPORTS / "baseline_fit.json"
SWEEP_REPORT = REPORTS / "sweep.json"
TRIALS_REPORT = REPORTS / "sweep/trials.csv"
TABLES = REPORTS / "tables"  # of the test split, {name}.csv
TRAIN_REPORT = REPORTS / "train.json"
CURVES_REPORT = REPORTS / "curves.csv"
MODEL_PAGE = REPORTS / "model.html"
PROFILE = REPORTS / "profile.json"  # of the predictions on the test split
VAL_REPORT = REPORTS / "val.json"
TEST_REPORT = REPORTS / "test.json"
REGISTERED_REPORT = REPORTS / "registered.json"
