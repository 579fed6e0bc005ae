"""Laws of the batches: every record once an epoch, the same after an interruption, on every rank."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbench.base.errors import ConfigError, DataError
from ecgbench.training.batches import (
    Share,
    Texts,
    TrainingBatches,
    TrainingRecords,
    ValidationBatches,
)
from ecgbench.training.corpus import Part


def records(count: int, reports: tuple[str, ...] | None = None) -> TrainingRecords:
    signals = np.arange(2 * count)[:, None, None] + np.zeros((1, 3, 1)) + np.arange(20) / 32
    half = count // 2
    texts = reports or ("",) * count
    parts = [
        Part(signals[:count], np.arange(half), texts[:half]),
        Part(signals[count:], np.arange(count - half), texts[half:]),
    ]
    if reports is None:
        return TrainingRecords(parts, None)
    known = sorted({text for text in reports if text})
    tokens = {"ids": torch.arange(len(known) + 1)[:, None] * 10}
    return TrainingRecords(parts, Texts({text: i for i, text in enumerate(known)}, tokens))


@settings(deadline=None)
@given(st.integers(4, 40), st.integers(2, 9), st.integers(0, 5))
def test_an_epoch_shows_no_record_twice_and_leaves_less_than_a_batch(
    count: int, size: int, seed: int
) -> None:
    size = min(size, count)
    batches = TrainingBatches(records(count), size, seed, 0, count // size)
    seen = np.concatenate([batches.positions(step) for step in range(count // size)])
    assert len(set(seen.tolist())) == len(seen) > count - size


def test_every_epoch_and_every_seed_has_an_order_of_its_own() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        batches = TrainingBatches(records(40), 8, seed, 0, 100)
        steps = range(5 * epoch, 5 * (epoch + 1))
        return np.concatenate([batches.positions(step) for step in steps]).tolist()

    found = [order(seed, epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert all(sorted(one) == list(range(40)) for one in found)
    assert len({tuple(one) for one in found}) == len(found)
    assert order(0, 1) == found[1]


@settings(deadline=None)
@given(st.integers(8, 40), st.integers(0, 6))
def test_starting_later_gives_the_rest(count: int, start: int) -> None:
    whole = list(TrainingBatches(records(count), 4, 3, 0, 7, crop=0.5))
    rest = list(TrainingBatches(records(count), 4, 3, start, 7, crop=0.5))
    for (step, batch), (wanted, expected) in zip(rest, whole[start:], strict=True):
        assert step == wanted
        assert torch.equal(batch.ecg, expected.ecg)
        assert batch.ecg.shape == (4, 3, 10)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(0, 9))
def test_the_shares_of_all_processes_are_the_batch_of_one(world: int, step: int) -> None:
    def shown(rank: int, world: int) -> torch.Tensor:
        batches = TrainingBatches(records(40), 12, 1, step, step + 1, 0.5, Share(rank, world))
        ((number, batch),) = batches
        assert number == step
        return batch.ecg

    together = torch.cat([shown(rank, world) for rank in range(world)])
    assert torch.equal(together, shown(0, 1))
    assert len(set(together[:, 0, 0].tolist())) == 12


@settings(deadline=None)
@given(st.integers(1, 4))
def test_so_are_the_shares_of_a_look_at_validation(world: int) -> None:
    def shown(share: Share) -> list[torch.Tensor]:
        return [batch.ecg for _, batch in ValidationBatches(records(27), 12, share=share)]

    parts = [shown(Share(rank, world)) for rank in range(world)]
    for whole, *shares in zip(shown(Share()), *parts, strict=True):
        assert torch.equal(torch.cat(shares), whole)


def test_a_record_keeps_its_own_report() -> None:
    reports = ("b", "", "a", "b", "c", "a")
    found = records(6, reports)
    batch = found.batch(np.array([4, 1, 0, 3]))
    assert batch.text_id is not None
    assert batch.tokens is not None
    assert batch.text_id.tolist() == [2, -1, 1, 1]
    assert batch.tokens["ids"][:, 0].tolist() == [20, 30, 10, 10]  # none: the empty text, the last
    assert batch.ecg[:, 0, 0].tolist() == [7.0, 1.0, 0.0, 6.0]


def test_too_few_records_are_said_to_be() -> None:
    with pytest.raises(DataError, match="2 records are too few"):
        TrainingBatches(records(2), 4, 0, 0, 1, share=Share(0, 2))


def test_a_batch_that_does_not_divide_is_said_to_be_one() -> None:
    with pytest.raises(ConfigError, match="9 records does not divide by 2 processes"):
        TrainingBatches(records(9), 12, 0, 0, 1, share=Share(0, 2))


def test_validation_shows_records_in_order() -> None:
    seen = [batch.ecg[:, 0, 0].tolist() for _, batch in ValidationBatches(records(10), 4)]
    assert seen == [[0.0, 1.0, 2.0, 3.0], [4.0, 10.0, 11.0, 12.0]]
