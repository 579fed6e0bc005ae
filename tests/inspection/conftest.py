"""Methods so small, and trained so little, that a page is made in seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from runs.conftest import small_home, small_matrix  # noqa: F401

from ecgbench.inspection.subject import Subject, recipe_of
from ecgbench.plugins.catalogue import methods
from ecgbench.training.encode import Encoder
from ecgbench.training.pretrain import pretrain

VIT = ("model.vit.width=16", "model.vit.depth=1", "model.vit.heads=2")
DECODER = ("model.decoder.width=16", "model.decoder.depth=2", "model.decoder.heads=2")
SMALL = {
    "classical": (),
    "random_init": VIT,
    "mae": (*VIT, *DECODER, "pretrain.steps=2"),
    "merit": (*VIT, *DECODER, "pretrain.steps=21", "pretrain.validate_every=7"),
}
SHARED = ("compute.threads=1", "pretrain.batch_size=8")


@pytest.fixture
def subject_of(small_matrix: None) -> Callable[[str], Subject]:  # noqa: F811
    def make(name: str) -> Subject:
        overrides = (*SMALL[name], *SHARED)
        recipe, dataset = recipe_of(methods.get(name), "sim-tiny", "demo", 0, overrides)
        return Subject(Encoder(recipe, pretrain(recipe)), dataset, overrides)

    return make
