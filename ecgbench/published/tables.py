"""The published encoders as tables: what they are, and which data sets their weights have seen."""

from __future__ import annotations

from ecgbench.config.sections import SignalSettings
from ecgbench.data.spec import datasets
from ecgbench.evaluation.contamination import declared_contamination
from ecgbench.plugins.catalogue import methods
from ecgbench.plugins.specs import MethodInfo

COMMERCIAL = {True: "allowed", False: "no", None: "not stated"}


def presets() -> list[MethodInfo]:
    """The methods that bring published weights, by name."""
    found = [methods.get(name) for name in methods.names()]
    return [info for info in found if info.published is not None]


def overview(style: str = "simple") -> str:
    """What each encoder is: licence, input, leads, feature, training data.

    Args:
        style: Of the table, as ``tabulate`` names it.
    """
    from tabulate import tabulate

    header = ("method", "licence of the weights", "commercial use", "input", "leads", "trained on")
    rows = []
    for info in presets():
        assert info.published is not None
        rows.append(
            (
                info.name,
                info.published.licence,
                COMMERCIAL[info.published.commercial],
                SignalSettings.model_validate(info.config["signal"]).in_words(),
                len(info.published.leads),
                ", ".join(info.pretrained_on),
            )
        )
    return str(tabulate(rows, headers=header, tablefmt=style))


def contamination(style: str = "github") -> str:
    """Which recorded data sets the weights of each encoder have seen, by what it declares.

    Args:
        style: Of the table, as ``tabulate`` names it.
    """
    from tabulate import tabulate

    names = [name for name in datasets.names() if not datasets.get(name).simulated]
    rows = [
        (
            info.name,
            *("seen" if declared_contamination(info.pretrained_on, n) else "-" for n in names),
        )
        for info in presets()
    ]
    return str(tabulate(rows, headers=("method", *names), tablefmt=style))
