from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from ecgbench.metrics import weighted
from ecgbench.stats.bootstrap import bootstrap, evidence_of_drop
from ecgbench.stats.resample import Design, SharedDesign

NAMES = [f"p{number}" for number in np.random.default_rng(3).integers(0, 400, 600)]


def weights(design: Design) -> np.ndarray:
    return np.concatenate(list(design.weights()), axis=1)


def test_a_patient_is_drawn_alike_in_every_split() -> None:
    whole = weights(SharedDesign.of(NAMES, 50))
    chosen = [i for i, name in enumerate(NAMES) if int(name[1:]) % 3 == 0][::-1]
    part = weights(SharedDesign.of([NAMES[i] for i in chosen], 50))
    np.testing.assert_array_equal(part, whole[chosen])
    plain = weights(Design.of([NAMES[i] for i in chosen], 50))
    assert (plain != weights(Design.of(NAMES, 50))[chosen]).any()


def test_shared_weights_are_poisson_with_mean_one() -> None:
    found = weights(SharedDesign.of([str(n) for n in range(400)], 1000))
    assert found.mean() == pytest.approx(1.0, abs=0.01)
    assert found.var() == pytest.approx(1.0, abs=0.02)
    assert (found == 0).mean() == pytest.approx(np.exp(-1), abs=0.005)
    assert np.abs(np.corrcoef(found[:20]) - np.eye(20)).max() < 0.15


def test_shared_resamples_are_frozen_for_ever() -> None:
    found = weights(SharedDesign.of(["b", "a", "c", "a"], 6, seed=0))
    assert found.T.tolist() == FROZEN


FROZEN = [
    [3.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 1.0, 0.0],
    [0.0, 1.0, 1.0, 1.0],
    [0.0, 0.0, 1.0, 0.0],
    [4.0, 1.0, 0.0, 1.0],
    [0.0, 0.0, 0.0, 0.0],
]


def test_designs_that_share_have_keys_of_their_own() -> None:
    assert SharedDesign.of(["a", "b"], 9).key != Design.of(["a", "b"], 9).key
    assert SharedDesign.of(["a", "b"], 9).key != SharedDesign.of(["a", "c"], 9).key


def test_a_group_drops_resample_by_resample() -> None:
    """The drop of two means and its standard error are known exactly."""
    rng = np.random.default_rng(1)
    values = rng.normal(0.6, 0.1, size=(2, 3000)).clip(0, 1)
    names = [str(n) for n in range(3000)]
    group = slice(0, 600)
    found = []
    for kept in (slice(None), group):
        design = SharedDesign.of(names[kept], 1000)
        means = {str(k): partial(weighted.mean, v[kept]) for k, v in enumerate(values)}
        found.append(bootstrap(means, design, np.array([50.0])).values())
    drops = [evidence_of_drop(whole, part) for whole, part in zip(*found, strict=True)]
    for drop, v in zip(drops, values, strict=True):
        assert drop.value == pytest.approx(v.mean() - v[group].mean())
        # the group is a fifth of the whole: four fifths of the difference from the others
        error = 0.8 * v.std() * np.sqrt(1 / 600 + 1 / 2400)
        assert drop.replicates.std(ddof=1) == pytest.approx(error, rel=0.08)
