"""An ECG on paper has its true size, every lead, and says what it cannot know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecgbench.base.errors import EcgbenchError
from ecgbench.data.leads import LEADS
from ecgbench.inspection.paper import GAIN, LEFT, SPEED, PaperECG, draw, save

RATE = 100.0


def ecg(leads: tuple[str, ...] = LEADS, **changes: object) -> PaperECG:
    signals = np.zeros((len(leads), 1000))
    signals[:, 100] = 1.0  # a spike of 1 mV at 1 s
    fields = {"signals": signals, "leads": leads, "rate": RATE, "title": "sim/1", **changes}
    return PaperECG(**fields)  # type: ignore[arg-type]


def traces(figure: Figure) -> list[np.ndarray]:
    """``[points, 2]`` of each drawn line, in mm."""
    (axes,) = figure.axes
    assert isinstance(axes, Axes)
    return [np.column_stack([line.get_xdata(), line.get_ydata()]) for line in axes.lines]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in [*figure.texts, *figure.axes[0].texts]]


def test_a_millimetre_is_a_millimetre() -> None:
    figure = draw(ecg())
    (axes,) = figure.axes
    width_mm = figure.get_size_inches()[0] * 25.4
    assert width_mm * axes.get_position().width == pytest.approx(axes.get_xlim()[1])
    height_mm = figure.get_size_inches()[1] * 25.4
    assert height_mm * axes.get_position().height == pytest.approx(axes.get_ylim()[1])


def test_a_spike_stands_at_25_mm_per_second_and_10_mm_per_millivolt() -> None:
    lead_i = next(line for line in traces(draw(ecg())) if len(line) == 250)
    peak = lead_i[lead_i[:, 1].argmax()]
    assert peak[0] == pytest.approx(LEFT + 1.0 * SPEED)
    assert peak[1] - np.median(lead_i[:, 1]) == pytest.approx(GAIN)


def test_every_lead_and_a_pulse_of_one_millivolt_a_row() -> None:
    figure = draw(ecg())
    assert set(LEADS) <= set(words(figure))
    assert words(figure).count("II") == 2, "the rhythm strip"
    pulses = [line for line in traces(figure) if len(line) == 6]
    assert len(pulses) == 4
    for pulse in pulses:
        assert np.ptp(pulse[:, 1]) == pytest.approx(GAIN)
        assert pulse[3, 0] - pulse[2, 0] == pytest.approx(0.2 * SPEED)


def test_other_leads_get_a_row_each() -> None:
    lines = [line for line in traces(draw(ecg(("I", "V2")))) if len(line) == 1000]
    assert len(lines) == 2


def test_what_is_not_in_millivolts_fits_its_row_and_says_so() -> None:
    big = ecg(signals=np.random.default_rng(0).normal(0, 50, (12, 1000)), millivolts=False)
    figure = draw(big)
    assert any("not in mV" in word for word in words(figure))
    assert not [line for line in traces(figure) if len(line) == 6], "a pulse would claim a scale"
    assert max(np.ptp(line[:, 1]) for line in traces(figure)) < 30


def test_the_text_below_is_on_the_picture() -> None:
    figure = draw(ecg(lines=("Labels: NORM", "Report: " + "word " * 80)))
    figure.canvas.draw()
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.y0 >= 0, text.get_text()
        assert box.x1 <= figure.bbox.width, text.get_text()


def test_a_shade_is_drawn_behind_its_samples() -> None:
    shade = np.zeros((12, 1000))
    shade[0, 50:100] = 1.0
    pictures = draw(ecg(shade=shade)).axes[0].images
    darkest = [float(np.asarray(picture.get_array())[..., 3].max()) for picture in pictures]
    assert sum(value > 0 for value in darkest) == 1


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_pictures_are_written(ending: str, tmp_path: Path) -> None:
    save(draw(ecg()), tmp_path / "new" / f"ecg.{ending}")
    assert (tmp_path / "new" / f"ecg.{ending}").stat().st_size > 5000


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EcgbenchError, match=r"ecg\.docx"):
        save(draw(ecg()), tmp_path / "ecg.docx")
