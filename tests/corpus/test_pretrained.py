import numpy as np
import pytest

from carousel.corpus.pretrained import Pretrained, load, save
from carousel.errors import UserError


def test_they_survive_their_file_and_so_does_their_absence(tmp_path):
    given = Pretrained(np.array([[np.nan, np.nan], [0.5, 1]], dtype=np.float32), freeze_epochs=3)
    for kept in (given, None):
        save(kept, tmp_path / "vectors.npz")
        again = load(tmp_path / "vectors.npz")
        assert (again and again.fingerprint) == (kept and kept.fingerprint)
    assert load(tmp_path / "vectors.npz") is None
    with pytest.raises(UserError, match="no such file; `dvc repro build_vocab` makes it"):
        load(tmp_path / "none.npz")
