"""Which statement changes a beat how, and in what order.

What a cardiologist would look for stands in `chambers`, `conduction` and `myocardium`, one function
a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ecgbench.simulated import chambers, conduction, myocardium
from ecgbench.simulated.effects import Effect
from ecgbench.simulated.heart import Heart

#: Chambers come first, then conduction, scars, and repolarisation: each finds what the ones before
#: left. A statement's place also names its stream of random numbers.
EFFECTS: Mapping[str, Effect] = {
    "LVH": chambers.left_ventricle,
    "VCLVH": chambers.voltage,
    "RVH": chambers.right_ventricle,
    "LAO/LAE": chambers.left_atrium,
    "RAO/RAE": chambers.right_atrium,
    "LAFB": conduction.left_anterior_fascicle,
    "LPFB": conduction.left_posterior_fascicle,
    "HVOLT": chambers.high_voltage,
    "LVOLT": chambers.low_voltage,
    "IVCD": conduction.unspecific_delay,
    "IRBBB": conduction.incomplete_right_bundle,
    "CRBBB": conduction.right_bundle,
    "ILBBB": conduction.incomplete_left_bundle,
    "CLBBB": conduction.left_bundle,
    "IMI": myocardium.infarct("inferior"),
    "ILMI": myocardium.infarct("inferolateral"),
    "ASMI": myocardium.infarct("septal"),
    "AMI": myocardium.infarct("anterior"),
    "ALMI": myocardium.infarct("anterolateral"),
    "LMI": myocardium.infarct("lateral"),
    "WPW": conduction.accessory_pathway,
    "1AVB": conduction.first_degree,
    "LPR": conduction.long_pr,
    "INJAS": myocardium.injury("septal"),
    "INJAL": myocardium.injury("anterolateral"),
    "ISC_": myocardium.some_ischaemia,
    "ISCAL": myocardium.ischaemia("anterolateral"),
    "ISCAS": myocardium.ischaemia("septal"),
    "ISCIN": myocardium.ischaemia("inferior"),
    "ISCIL": myocardium.ischaemia("inferolateral"),
    "ISCLA": myocardium.ischaemia("lateral"),
    "NDT": myocardium.flat_t(-0.05, 0.55),
    "LOWT": myocardium.flat_t(0.10, 0.40),
    "NT_": myocardium.flat_t(-0.15, 0.50),
    "INVT": myocardium.inverted_t,
    "NST_": myocardium.st_change,
    "STD_": myocardium.st_depression,
    "DIG": myocardium.digitalis,
    "LNGQT": myocardium.long_qt,
}


def apply(
    heart: Heart, findings: Mapping[str, float], streams: Callable[[int], np.random.Generator]
) -> Heart:
    """Return the heart changed by every finding that has an effect, in their fixed order.

    Args:
        heart: A healthy heart.
        findings: Severity by statement.
        streams: Gives the generator of each effect by its place, so that one finding more or less
            does not change how the others look.
    """
    for place, (code, effect) in enumerate(EFFECTS.items()):
        if code in findings:
            heart = effect(heart, findings[code], streams(place))
    return heart
