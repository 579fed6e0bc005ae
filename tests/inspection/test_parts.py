"""Pictures of masks, residuals, projections, curves and bounds match the method's values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecgbench.inspection.curves import Curve, bounds, learning_rate, read_log
from ecgbench.inspection.embeddings import Cloud, Projection, one_class, projections, standardised
from ecgbench.inspection.plots import (
    DARK,
    LIGHT,
    Theme,
    class_look,
    cloud_figure,
    curves_figure,
    ecg_figure,
)
from ecgbench.inspection.reconstructions import Rebuilt, reconstructions, spans
from ecgbench.inspection.subject import Subject

SubjectOf = Callable[[str], Subject]


@given(arrays(bool, st.integers(0, 40)))
def test_spans_are_the_runs_of_what_is_hidden(flags: np.ndarray) -> None:
    found = spans(flags)
    again = np.zeros_like(flags)
    for start, stop in found:
        assert start < stop
        assert not again[max(start - 1, 0) : stop].any(), "runs touch"
        again[start:stop] = True
    assert (again == flags).all()


def test_reconstructions_are_of_validation_records_and_repeat(subject_of: SubjectOf) -> None:
    subject = subject_of("mae")
    first, again = reconstructions(subject, 3), reconstructions(subject, 3)
    assert len(first) == 3
    assert {one.record for one in first} <= set(map(str, subject.records().ids))
    assert subject.dataset.records.loc[[one.record for one in first], "split"].eq("val").all()
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.hidden, other.hidden)
        np.testing.assert_array_equal(one.output, other.output)
        np.testing.assert_allclose(one.residual + one.output, one.target, atol=1e-5)
        assert not one.residual[~one.hidden].any()
        assert one.errors()[0] == pytest.approx(0.75, abs=0.01)
    assert (first[0].hidden != first[1].hidden).any(), "each record has a mask of its own"


def test_what_reconstructs_nothing_shows_nothing(subject_of: SubjectOf) -> None:
    assert reconstructions(subject_of("random_init"), 2) == []


def made_up(leads: int = 12, samples: int = 60) -> Rebuilt:
    rng = np.random.default_rng(3)
    target = rng.normal(size=(leads, samples)).astype(np.float32)
    hidden = np.repeat(rng.random((leads, samples // 10)) < 0.6, 10, axis=1)
    output = np.where(hidden, target + 0.5, target)
    names = tuple(f"L{i}" for i in range(leads))
    return Rebuilt("r1", names, 10.0, target, output, hidden)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_plot_hides_what_the_mask_hid(theme: object) -> None:
    rebuilt = made_up()
    count, samples = rebuilt.target.shape
    figures = {
        panel: ecg_figure(theme, "t", rebuilt, panel, "z")  # type: ignore[arg-type]
        for panel in ("input", "reconstruction", "residual")
    }
    for panel, per_lead in (("input", 1), ("reconstruction", 3), ("residual", 1)):
        axes = figures[panel].axes[0]
        traces = [line for line in axes.lines if len(line.get_xdata()) == samples]
        assert len(traces) == per_lead * count
        for lead in range(count):
            lines = traces[per_lead * lead : per_lead * (lead + 1)]
            drawn = [~np.isnan(np.asarray(line.get_ydata(), float)) for line in lines]
            hidden = rebuilt.hidden[lead]
            wanted = {
                "input": [~hidden],
                "reconstruction": [~hidden, hidden, hidden],
                "residual": [hidden],
            }
            np.testing.assert_array_equal(drawn, wanted[panel])
            left = np.asarray(lines[0].get_xdata())[0]
            shaded = np.zeros(samples, bool)
            for path in axes.collections[lead].get_paths():
                edges = path.vertices[:, 0]
                start, stop = (
                    round((edge - left) * rebuilt.rate) for edge in (edges.min(), edges.max())
                )
                shaded[start:stop] = True
            np.testing.assert_array_equal(shaded, hidden)
    guess = figures["reconstruction"].axes[0].lines
    truth, guessed = [
        np.asarray(line.get_ydata(), float) for line in guess if len(line.get_ydata()) == samples
    ][1:3]
    np.testing.assert_allclose((guessed - truth)[rebuilt.hidden[0]], 0.5, atol=1e-5)


def test_a_point_has_the_one_class_of_its_record(subject_of: SubjectOf) -> None:
    subject = subject_of("random_init")
    coloured = one_class(subject)
    table = subject.dataset.labels("super", "val")
    assert coloured.labelled == len(table.rows)
    assert 0 < len(coloured.classes) < coloured.labelled
    of = {
        str(r): set(np.array(table.classes)[v == 1])
        for r, v in zip(table.record_ids, table.values, strict=True)
    }
    for record, name in zip(coloured.records.ids, coloured.classes, strict=True):
        assert of[str(record)] == {name}
    assert sum(len(names) == 1 for names in of.values()) == len(coloured.classes)


def test_pca_is_the_leading_singular_vectors() -> None:
    rng = np.random.default_rng(0)
    values = standardised(rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)))
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(values.std(0), 1)
    pca = projections(values, 0)[0]
    u, s, _ = np.linalg.svd(values, full_matrices=False)
    np.testing.assert_allclose(np.abs(pca.points), np.abs(u[:, :2] * s[:2]), atol=1e-9)
    shares = s**2 / (s**2).sum()
    assert pca.axes == (f"component 1 ({shares[0]:.0%})", f"component 2 ({shares[1]:.0%})")
    assert (standardised(np.ones((5, 2))) == 0).all(), "a feature that is constant says nothing"


def test_a_log_is_read_in_order_and_a_resumed_step_once(tmp_path: Path) -> None:
    log = tmp_path / "training.csv"
    log.write_text(
        "step,name,value\n19,train/loss,3\n39,train/loss,2\n39,val/loss,2.5\n"
        "19,train/loss,3.5\n39,train/nats_text,0.1\n"
    )
    assert read_log(log) == {
        "loss": {"train": Curve((19, 39), (3.5, 2.0)), "val": Curve((39,), (2.5,))},
        "nats_text": {"train": Curve((39,), (0.1,))},
    }
    assert read_log(tmp_path / "none.csv") == {}


def test_a_cloud_has_one_mark_a_class_and_every_record_once() -> None:
    points = np.arange(12.0).reshape(6, 2)
    cloud = Cloud(
        "features", 2, ("B", "A", "B", "B", "C", "A"), (Projection("PCA", points, ("1st", "2nd")),)
    )
    figure = cloud_figure(LIGHT, "t", cloud)
    (axes,) = figure.axes
    assert [one.get_label() for one in axes.collections] == ["B (3)", "A (2)", "C (1)"]
    drawn = np.concatenate([one.get_offsets() for one in axes.collections])
    np.testing.assert_array_equal(np.sort(drawn, axis=0), points)
    np.testing.assert_array_equal(axes.collections[2].get_offsets(), points[[4]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("1st", "2nd")


def test_curves_are_drawn_with_units_and_the_ceiling(subject_of: SubjectOf) -> None:
    config = subject_of("merit").recipe.config
    rate = learning_rate(config)
    assert len(rate.steps) == 21
    assert max(rate.values) == pytest.approx(float(config.pretrain.lr))
    log = {"nats_text": {"train": Curve((1, 2), (0.0, 0.5))}}
    axes = curves_figure(LIGHT, "t", log, rate, ceiling=2.08).axes
    assert [one.get_ylabel() for one in axes] == ["nats", "rate"]
    assert list(axes[1].lines[0].get_ydata()) == list(rate.values)
    assert 2.08 in [line.get_ydata()[0] for line in axes[0].lines]


def test_bounds_are_infonces_over_all_validation_records(subject_of: SubjectOf) -> None:
    subject = subject_of("merit")
    found = {bound.name: bound for bound in bounds(subject)}
    assert set(found) == {"nats_signal", "nats_text"}
    assert found["nats_signal"].ceiling is None
    text = found["nats_text"]
    records = subject.records()
    reports = subject.dataset.records["report"].to_numpy(str)[records.rows]
    assert text.records == len(reports)
    method = subject.encoder.method()
    with torch.no_grad():
        ecg = method.embed_ecg(
            torch.from_numpy(np.asarray(subject.encoder.signals(records), np.float32))
        )
        logits = (
            (ecg @ method.embed_text(method.tokenize(list(reports))).T * method.scale())
            .double()
            .numpy()
        )
    rows = np.log(np.exp(logits).sum(1)) - logits.diagonal()
    columns = np.log(np.exp(logits).sum(0)) - logits.diagonal()
    by_hand = np.log(len(reports)) - (rows.mean() + columns.mean()) / 2
    assert text.nats == pytest.approx(by_hand, abs=1e-4)
    assert text.nats <= text.ceiling == pytest.approx(np.log(len(reports)))
    assert bounds(subject_of("random_init")) == []


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_no_two_of_many_classes_look_alike(theme: Theme) -> None:
    looks = [class_look(number, theme) for number in range(64)]  # PTB-XL has 44 diagnostic ones
    assert len(set(looks)) == len(looks)
