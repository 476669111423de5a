import numpy as np
import pytest
from sklearn import metrics as sklearn

from utkage.evaluation.classification import area_under_curve


def test_auc_with_equal_scores() -> None:
    random = np.random.default_rng(0)
    truth, scores = random.integers(0, 2, 200), random.integers(0, 5, 200) / 4
    assert area_under_curve(truth, scores) == pytest.approx(sklearn.roc_auc_score(truth, scores))
    assert np.isnan(area_under_curve(np.ones(3, dtype=np.int64), np.ones(3)))
