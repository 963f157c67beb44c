"""kill -9 at any moment of a save: the bundle that was there stays until the new one is whole."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from carousel.bundle.bundle import Bundle

pytestmark = pytest.mark.slow

SAVE_FOR_EVER = """
import sys
from pathlib import Path
import torch
from carousel.tasks.classification.predictor import Classifier
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.support import networks

vocabulary = Vocabulary((*SPECIALS, *(f"word{i}" for i in range(5000))))
bundles = []
for seed in range(2):
    torch.manual_seed(seed)
    model = networks.classifier(len(vocabulary), 2)
    bundles.append(Classifier(model, TOKENIZERS["split"], vocabulary, ("a", "b"), 16).to_bundle())
print(" ".join(bundle.fingerprint for bundle in bundles), flush=True)
while True:
    for bundle in bundles:
        bundle.save(Path(sys.argv[1]))
"""


def test_twenty_kills_never_leave_a_bundle_that_is_half_one_and_half_another(tmp_path: Path) -> None:
    moments = random.Random(0)
    loaded = 0
    for _ in range(20):
        folder = tmp_path / "bundle"
        existed = folder.exists()
        with subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, str(folder)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            known = writer.stdout.readline().split()
            time.sleep(moments.uniform(0.0, 0.6))
            writer.send_signal(signal.SIGKILL)
        assert folder.exists() or not existed or sys.platform != "linux"  # elsewhere it is two renames
        if folder.exists():
            assert Bundle.load(folder).fingerprint in known
            loaded += 1
    assert loaded >= 10
