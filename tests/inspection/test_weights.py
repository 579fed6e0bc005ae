"""Shown coefficients equal those of the probe and do not depend on test records."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgbench.base.errors import DataError, PluginError
from ecgbench.cli.app import app
from ecgbench.inspection import page
from ecgbench.inspection.subject import Subject
from ecgbench.inspection.weights import weights
from ecgbench.protocol import Records
from ecgbench.training.encode import Encoder

SubjectOf = Callable[[str], Subject]


def test_coefficients_are_the_probes_and_no_test_record_has_a_say(
    subject_of: SubjectOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of("classical")
    seen: list[Records] = []
    real = Encoder.features

    def watched(self: Encoder, records: Records) -> np.ndarray:
        seen.append(records)
        return real(self, records)

    monkeypatch.setattr(Encoder, "features", watched)
    found = weights(subject)
    assert found is not None
    splits = subject.dataset.records["split"].to_numpy()
    assert [set(splits[records.rows]) for records in seen] == [{"train"}, {"val"}]
    assert found.label_set == "super"
    assert (found.n_train, found.n_val) == tuple(len(records) for records in seen)
    assert len(found.features) == found.coefficients.shape[1] == 135
    X = real(subject.encoder, seen[0]).astype(np.float64)
    spread = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    again = X / spread @ found.coefficients.T + found.probe.intercepts
    np.testing.assert_allclose(again, found.probe.scores(X), atol=1e-6)
    sizes = [abs(value) for _, value in found.largest(0, 135)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == np.abs(found.coefficients[0]).max() > 0


def test_the_page_shows_the_largest_and_a_file_holds_all(
    subject_of: SubjectOf, tmp_path: Path
) -> None:
    subject = replace(subject_of("classical"), labels="rhythm")
    text = page.write_page(subject, tmp_path, 1).read_text(encoding="utf-8")
    found = weights(subject)
    assert found is not None
    assert "The linear probe of &#39;rhythm&#39;" in text
    rows = list(csv.DictReader((tmp_path / "weights.csv").open()))
    assert len(rows) == len(found.classes) * len(found.features)
    for place, name in enumerate(found.classes):
        of_class = [row for row in rows if row["class"] == name]
        assert {row["feature"] for row in of_class} == set(found.features)
        first = of_class[0]
        assert abs(float(first["coefficient"])) >= abs(float(of_class[-1]["coefficient"]))
        shown = f"<td>{first['feature']} {float(first['coefficient']):+.2f}</td>"
        assert (shown in text) == bool(found.probe.trained[place])


def test_features_without_names_have_no_weights_to_show(
    subject_of: SubjectOf, tmp_path: Path
) -> None:
    assert weights(subject_of("random_init")) is None
    page.write_page(subject_of("random_init"), tmp_path, 1)
    assert not (tmp_path / "weights.csv").exists()


def test_as_many_names_as_features(subject_of: SubjectOf) -> None:
    subject = subject_of("classical")
    info = subject.info.model_copy(update={"feature_names": "builtins:list"})
    other = replace(subject.encoder, recipe=replace(subject.recipe, info=info))
    with pytest.raises(PluginError, match="12 names for 135 features"):
        weights(replace(subject, encoder=other))


def test_a_label_set_that_is_not_there_is_said(small_matrix: None, tmp_path: Path) -> None:
    command = ["inspect", "classical", "--data=sim-tiny", "--labels=supper", f"--out={tmp_path}"]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, DataError)
    assert not list(tmp_path.iterdir())
