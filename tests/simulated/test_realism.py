"""The instruments that measure realism, tried on what they must and must not find."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ecgbench.base.errors import DataError, UnknownNameError
from ecgbench.simulated.geometry import FILE_LEADS
from ecgbench.simulated.measurements import find_beats, measure, measure_folder, names
from ecgbench.simulated.plots import example, file_name, plot_statement
from ecgbench.simulated.realism import Transfer, auroc, transfer, transfer_table
from ecgbench.simulated.statements import STATEMENTS


@pytest.mark.parametrize("rate", [100, 500])
def test_beats_are_found_where_they_are(rate):
    signal = example("NORM", rate=rate)
    peaks = find_beats(signal, rate)
    second = signal[FILE_LEADS.index("II")]
    reach = round(0.06 * rate)
    tops = [p - reach + np.argmax(second[max(0, p - reach) : p + reach]) for p in peaks[1:-1]]
    assert (second[tops] > 0.6 * second.max()).all()
    assert 8 <= len(peaks) <= 16


def test_measures_separate_what_differs():
    found = {c: measure(example(c), 500, FILE_LEADS) for c in ("NORM", "CLBBB", "AFIB", "LVOLT")}
    assert found["CLBBB"].qrs_width > found["NORM"].qrs_width + 30
    assert found["AFIB"].rr_variation > 5 * found["NORM"].rr_variation
    assert max(found["LVOLT"].amplitudes) < 0.6 * max(found["NORM"].amplitudes)


def test_a_silent_record_has_no_measures():
    assert measure(np.zeros((12, 5000)), 500, FILE_LEADS) is None


def test_real_records_give_physiological_measures(shared_data):
    rows = measure_folder(shared_data / "ptbxl-raw", limit=20)
    middle = dict(zip(names(), np.median(rows, axis=0), strict=True))
    assert 55 < middle["heart rate (/min)"] < 90
    assert 60 < middle["QRS width (ms)"] < 100
    assert 0.4 < middle["QRS p-p II (mV)"] < 2


def test_auroc_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    for _ in range(20):
        targets = (rng.random(60) < 0.3).astype(np.float32)
        scores = np.round(rng.normal(size=60) + targets, 1).astype(np.float32)
        assert auroc(targets, scores) == pytest.approx(roc_auc_score(targets, scores))
    assert np.isnan(auroc(np.zeros(5, dtype=np.float32), np.zeros(5, dtype=np.float32)))


def test_the_table_means_leave_absent_classes_out():
    rows = [
        Transfer("AFIB", 20, 0.9, 0.8, 0.9, 0.95),
        Transfer("LMI", 10, 0.7, float("nan"), 0.7, 0.9),
    ]
    table = transfer_table(rows).splitlines()
    assert "| 0.800 | 0.800 | 0.800 | 0.925 |" in table[2]
    assert table[3].startswith("| AFIB")
    assert "| - |" in table[4]


def test_a_folder_without_a_database_is_a_clear_error(tmp_path):
    with pytest.raises(DataError, match=r"ptbxl_database\.csv"):
        transfer(tmp_path, tmp_path)


def test_plots_are_small_images(tmp_path):
    from PIL import Image

    plot_statement("LAO/LAE", tmp_path / file_name("LAO/LAE"))
    path = tmp_path / "LAO-LAE.png"
    assert path.stat().st_size < 60_000
    with Image.open(path) as image:
        assert image.size == (640, 512)
    with pytest.raises(UnknownNameError):
        example("XYZ")


def test_every_statement_has_its_plot_in_the_docs(project_root):
    drawn = {path.name for path in (project_root / "docs/img/sim").glob("*.png")}
    assert {file_name(code) for code in STATEMENTS} <= drawn


@pytest.mark.slow
def test_what_is_learnt_from_simulated_records_holds_for_real_ones(shared_data, tmp_path):
    from ecgbench.simulated import write_corpus

    write_corpus(tmp_path / "sim", 400, seed=0)
    rows = {
        row.code: row for row in transfer(shared_data / "ptbxl-mini", tmp_path / "sim", epochs=4)
    }
    assert rows["CLBBB"].everything > 0.85
    assert rows["NORM"].everything > 0.75
    assert np.mean([row.everything for row in rows.values()]) > 0.62
