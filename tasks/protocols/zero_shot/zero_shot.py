"""Zero-shot classification, track ``standard``: classes are described by prompts only.

The direction of a class is the mean of its prompts' unit vectors, scaled to unit length. A record's score is
its cosine with this direction. There is no softmax over classes, because a softmax makes the score of a class
depend on the other classes. No label of the data set is read, so there are no thresholds and F1 is
``f1_test_max``. A method without a text tower takes part through :mod:`alignment`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ecgbench.protocol import Bench, Outcome, Protocol
from ecgbench.results.predictions import ScorePredictions

from .alignment import Texts, Vectors, shared_space, unit
from .prompt_file import pinned_prompts


class ZeroShot(Protocol):
    """Cosines between ECGs and prompts."""

    def run(self, bench: Bench) -> Outcome:
        """Score the test records against the prompts of each class."""
        asked = bench.task.trained_on
        name, file = pinned_prompts(self.spec, bench.settings, asked.dataset)
        space = shared_space(bench)
        directions = class_vectors(file.of(asked.labels, bench.classes), space.text)
        unread = [
            label for label, way in zip(bench.classes, directions, strict=True) if not way.any()
        ]
        return Outcome(
            predictions=ScorePredictions.of(
                bench.test.ids, bench.classes, space.ecg(bench.test) @ directions.T
            ),
            n_train=space.n_train,
            n_val=space.n_val,
            choices={
                "prompts": f"{name} version {file.version}",
                "unread_classes": unread,
                **space.choices,
            },
            notes=space.notes,
        )


def class_vectors(prompts: Mapping[str, Sequence[str]], encode: Texts) -> Vectors:
    """One direction per class.

    Args:
        prompts: Prompts by class.
        encode: Maps texts to unit vectors ``[n, d]``; zeros for a text that it cannot represent.

    Returns:
        ``[classes, d]`` unit vectors; zeros for a class without any representable prompt.
    """
    vectors = encode([phrase for phrases in prompts.values() for phrase in phrases])
    ends = np.cumsum([len(phrases) for phrases in prompts.values()])
    return unit(np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])]))
