"""What a cardiologist looks for, statement by statement, in noise-free records."""

from functools import partial

import numpy as np
import pytest

from ecgbench.simulated.cohort import stream
from ecgbench.simulated.geometry import DOWER, FILE_LEADS, Anatomy, to_electrodes, to_leads
from ecgbench.simulated.heart import draw_heart, repolarisation
from ecgbench.simulated.morphology import EFFECTS, apply
from ecgbench.simulated.statements import STATEMENTS
from ecgbench.simulated.synthesis import MODEL_RATE, add_waves

SEEDS = range(24)
ONSET, LEFT = 0.5, Anatomy(np.eye(3), DOWER)


def heart_with(findings, seed):
    healthy = draw_heart(stream(seed, 1), 55.0, female=bool(seed % 2))
    return apply(healthy, findings, partial(stream, seed, 2))


def beat(findings, seed, qrs_only=False):
    """Leads [12, samples] of one beat in an average chest; QRS begins at 0.5 s."""
    heart = heart_with(findings, seed)
    dipole = np.zeros((3, round(1.4 * MODEL_RATE)))
    waves = list(heart.qrs.values())
    add_waves(dipole, ONSET, waves, 0.0)
    if not qrs_only:
        add_waves(dipole, ONSET, repolarisation(heart, 0.85), 0.0)
        add_waves(dipole, ONSET - heart.pr, heart.p, 0.0)
    return dict(zip(FILE_LEADS, to_leads(to_electrodes(LEFT.projection @ dipole)), strict=True))


def width(findings, seed):
    """QRS duration in ms: where the spatial vector exceeds 6 % of its peak."""
    leads = beat(findings, seed, qrs_only=True)
    size = np.sqrt(sum(v**2 for v in leads.values()))
    inside = np.flatnonzero(size > 0.06 * size.max())
    return (inside[-1] - inside[0]) / MODEL_RATE * 1e3


def at(leads, lead, start, stop):
    """The part of a lead from `start` to `stop` seconds after the onset of QRS."""
    return leads[lead][round((ONSET + start) * MODEL_RATE) : round((ONSET + stop) * MODEL_RATE)]


def median(measure, findings, **keys):
    return float(np.median([measure(beat(findings, seed, **keys)) for seed in SEEDS]))


def t_of(lead):
    """The value of T that lies furthest from the baseline."""

    def measure(leads):
        part = at(leads, lead, 0.22, 0.45)
        return part[np.argmax(abs(part))]

    return measure


def depth(lead, start=0.0, stop=0.045):
    """How deep the initial part of QRS goes."""
    return lambda leads: -at(leads, lead, start, stop).min()


def test_every_effect_belongs_to_a_statement_and_changes_the_heart():
    for code in EFFECTS:
        assert code in STATEMENTS
        plain, changed = beat({}, 3), beat({code: 0.6}, 3)
        assert max(abs(plain[lead] - changed[lead]).max() for lead in plain) > 0.02, code


@pytest.mark.parametrize(
    ("code", "low", "high"), [("CLBBB", 118, 190), ("CRBBB", 112, 180), ("IVCD", 98, 165)]
)
def test_blocks_are_wide(code, low, high):
    widths = [width({code: 0.5}, seed) for seed in SEEDS]
    assert low < np.median(widths) < high
    normal = [width({}, seed) for seed in SEEDS]
    assert np.median(normal) < 105
    assert np.min(widths) > np.median(normal)


def test_incomplete_blocks_lie_between_normal_and_complete():
    def typical(code):
        return np.median([width({code: 0.5} if code else {}, seed) for seed in SEEDS])

    assert typical("") < typical("IRBBB") < typical("CRBBB")
    assert typical("") < typical("ILBBB") < typical("CLBBB")


def test_severity_is_monotone_in_width():
    def typical(level):
        return np.median([width({"CLBBB": level}, seed) for seed in SEEDS])

    assert typical(0.0) < typical(0.5) < typical(1.0)


def test_left_bundle_block_has_no_septal_q_and_discordant_t():
    findings = {"CLBBB": 0.6}
    assert median(depth("V6"), findings) < 0.05
    assert median(depth("V1", 0.0, 0.16), findings) > 0.7
    assert median(lambda b: at(b, "V6", 0.0, 0.16).max(), findings) > 0.5
    assert median(t_of("V1"), findings) > 0.1
    assert median(t_of("V6"), findings) < -0.05


def test_right_bundle_block_ends_with_r_in_v1_and_s_in_one_and_v6():
    findings = {"CRBBB": 0.6}
    late = {"start": 0.085, "stop": 0.17}
    assert median(lambda b: at(b, "V1", 0.085, 0.17).max(), findings) > 0.3
    assert median(depth("V6", **late), findings) > 0.2
    assert median(depth("I", **late), findings) > 0.15
    assert median(lambda b: at(b, "V1", 0.085, 0.17).max(), {}) < 0.1


def axis(leads):
    one, foot = (at(leads, lead, 0.0, 0.12).sum() for lead in ("I", "AVF"))
    return np.rad2deg(np.arctan2(2 * foot / 3**0.5, one))


def test_fascicular_blocks_turn_the_axis():
    assert median(axis, {"LAFB": 0.6}) < -30
    assert median(axis, {"LPFB": 0.6}) > 85
    assert -30 < median(axis, {}) < 85


@pytest.mark.parametrize(
    ("code", "with_q", "without"),
    [
        ("IMI", ("III", "AVF"), ("I", "V2")),
        ("LMI", ("I", "AVL"), ("III", "V2")),
        ("ALMI", ("I", "V4", "V5"), ("III",)),
        ("ASMI", ("V2", "V3"), ("II", "V6")),
    ],
)
def test_infarcts_leave_q_waves_in_their_leads(code, with_q, without):
    window = {"start": 0.0, "stop": 0.030}
    for lead in with_q:
        assert median(depth(lead, **window), {code: 0.8}) > 0.12, lead
        gain = median(depth(lead, **window), {code: 0.8}) - median(depth(lead, **window), {})
        assert gain > 0.08, lead
    for lead in without:
        assert median(depth(lead, **window), {code: 0.8}) < 0.15, lead


def test_anteroseptal_infarct_loses_r_in_the_right_chest_leads():
    def r(lead):
        return lambda leads: at(leads, lead, 0.0, 0.06).max()

    for lead in ("V2", "V3"):
        assert median(r(lead), {"ASMI": 0.8}) < 0.5 * median(r(lead), {})


@pytest.mark.parametrize(
    ("code", "inverted", "upright"),
    [
        ("ISCAL", ("I", "V4", "V5"), ("III",)),
        ("ISCIN", ("III", "AVF"), ("V2", "V4")),
        ("ISCAS", ("V2", "V3"), ("II",)),
        ("ISCLA", ("AVL", "V6"), ("III", "V2")),
    ],
)
def test_ischaemia_inverts_t_over_its_wall(code, inverted, upright):
    for lead in inverted:
        assert median(t_of(lead), {code: 0.8}) < -0.05, lead
    for lead in upright:
        assert median(t_of(lead), {code: 0.8}) > 0, lead


def test_sokolow_index_is_high_in_left_hypertrophy_and_low_in_low_voltage():
    def sokolow(leads):
        return depth("V1", 0.0, 0.12)(leads) + at(leads, "V5", 0.0, 0.12).max()

    assert median(sokolow, {"LVH": 0.8}) > 1.3 * median(sokolow, {})
    assert median(sokolow, {"LVH": 0.8}) > 3.2
    assert median(sokolow, {"LVOLT": 0.8}) < 0.5 * median(sokolow, {})


def test_strain_comes_with_marked_hypertrophy():
    assert median(t_of("V6"), {"LVH": 1.0}) < 0 < median(t_of("V6"), {})


def test_right_hypertrophy_is_tall_in_v1_and_deep_in_v6():
    def r_over_s(lead):
        return lambda b: at(b, lead, 0.0, 0.12).max() / -at(b, lead, 0.0, 0.12).min()

    assert median(r_over_s("V1"), {"RVH": 0.8}) > 1
    assert median(r_over_s("V1"), {}) < 1
    assert median(r_over_s("V6"), {"RVH": 0.8}) < median(r_over_s("V6"), {}) / 2
    assert median(axis, {"RVH": 0.8}) > 80


def test_pr_intervals():
    def pr(findings):
        return [heart_with(findings, seed).pr for seed in SEEDS]

    assert min(pr({"1AVB": 0.0})) > 0.20
    assert max(pr({})) < 0.20
    assert max(pr({"WPW": 0.0})) < 0.12


def test_preexcitation_is_wide_and_rises_slowly():
    def to_peak(seed, findings):
        leads = beat(findings, seed, qrs_only=True)
        size = np.sqrt(sum(v**2 for v in leads.values()))
        return (np.argmax(size) - np.argmax(size > 0.06 * size.max())) / MODEL_RATE

    typical = np.median([width({}, seed) for seed in SEEDS])
    assert np.median([width({"WPW": 0.7}, seed) for seed in SEEDS]) > typical + 18
    slow = np.median([to_peak(seed, {"WPW": 0.7}) for seed in SEEDS])
    assert slow > np.median([to_peak(seed, {}) for seed in SEEDS]) + 0.012


def test_atria():
    def p(lead, low=False):
        def measure(leads):
            part = at(leads, lead, -0.21, -0.02)
            return -part.min() if low else part.max()

        return measure

    assert median(p("II"), {"RAO/RAE": 0.8}) > 0.22 > median(p("II"), {})
    assert median(p("V1", low=True), {"LAO/LAE": 0.8}) > 1.7 * median(p("V1", low=True), {})

    def p_length(findings):
        heart = heart_with(findings, 4)
        return heart.p[-1].at + 2 * heart.p[-1].fall

    assert p_length({"LAO/LAE": 0.5}) > 0.120 > p_length({})


def test_long_qt_moves_the_end_of_t():
    assert min(heart_with({"LNGQT": 0.0}, seed).qtc for seed in SEEDS) > 0.47
    assert max(heart_with({}, seed).qtc for seed in SEEDS) <= 0.45


def test_flat_and_depressed():
    assert median(lambda b: abs(t_of("V5")(b)), {"LOWT": 0.6}) < 0.5 * median(t_of("V5"), {})

    def st(leads):
        return at(leads, "V5", 0.12, 0.16).mean()

    assert median(st, {"STD_": 0.7}) < -0.05
    assert abs(median(st, {})) < 0.06


def test_effects_are_independent_of_each_others_draws():
    alone = heart_with({"1AVB": 0.4, "IMI": 0.7}, 9)
    both = heart_with({"IMI": 0.7}, 9)
    assert (alone.qrs["scar"].vector == both.qrs["scar"].vector).all()
