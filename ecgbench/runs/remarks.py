"""What a reader of a method's figures has to know, whatever the question was."""

from __future__ import annotations

from ecgbench.plugins.published import RANDOM
from ecgbench.results.parts import PretrainingPart
from ecgbench.training.recipe import Recipe
from ecgbench.training.windows import windows_of


def remarks(recipe: Recipe, pretraining: PretrainingPart) -> tuple[str, ...]:
    """Sentences for the notes of a result: windows, and the state of published weights.

    Args:
        recipe: Of the method.
        pretraining: What the result says of its weights.
    """
    said = []
    windows = windows_of(recipe.config)
    if windows:
        said.append(f"A record's feature is the {windows} of {recipe.config.signal.window:g} s.")
    facts = recipe.info.published
    if facts is None:
        return tuple(said)
    if pretraining.random:
        return (
            *said,
            f"Random weights (model.source={RANDOM}): a trial, no figure of the encoder.",
        )
    said.append(_standing(recipe, pretraining))
    if facts.commercial is False:
        said.append(f"Its weights are under {facts.licence}: no commercial use.")
    if facts.caution:
        said.append(f"To know of its figures: {facts.caution}.")
    return tuple(said)


def _standing(recipe: Recipe, pretraining: PretrainingPart) -> str:
    from ecgbench.published.verified import recorded

    known, facts = recorded(recipe.info), recipe.info.published
    found = set((pretraining.sources or {}).values())
    if known is not None and found & set(known.sources.values()):
        return "Verified weights: the file gives the features that are recorded for it."
    if facts is not None and facts.sha256 in found:
        return "The published file, by its SHA-256; its features have not been recorded."
    return (
        "The weights fit the published layout; whether they are the published file is not checked."
    )
