"""Fine-tuning: its schedule, what is trained and what stays, what validation chooses, who takes part."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from training.rates import rates_of

from ecgbench.base.errors import ConfigError, EcgbenchError
from ecgbench.config.effective import effective
from ecgbench.config.sections import ComputeSettings, Config, FinetuneSettings
from ecgbench.data.dataset import Dataset
from ecgbench.data.leads import LEADS
from ecgbench.method import Method, Setup
from ecgbench.metrics.classification import auroc, macro
from ecgbench.plugins.catalogue import methods, protocols, tasks
from ecgbench.results.predictions import ScorePredictions, read_predictions
from ecgbench.results.schema import Result
from ecgbench.results.store import path_of
from ecgbench.runs.plan import Question
from ecgbench.runs.run import Request, carry_out, make_plan
from ecgbench.training.encode import run_frozen, state_hash
from ecgbench.training.finetune import (
    Classifier,
    Examples,
    Finetuned,
    Schedule,
    finetune,
    has_gradient,
)

RequestFor = Callable[..., Request]
SAMPLES = 64


class Normed(Method):
    """A convolution with batch-norm, mean-pooled."""

    def __init__(self) -> None:
        super().__init__(None, Setup(LEADS, 50.0, SAMPLES))
        self.stem = nn.Conv1d(len(LEADS), 6, 7, stride=2)
        self.norm = nn.BatchNorm1d(6)
        self.rates: list[float] = []

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        return self.norm(self.stem(ecg)).relu().mean(-1)


def config(**finetune: float) -> Config:
    """Threads and schedule; also of a learning rate that a user's could not be."""
    schedule = FinetuneSettings().model_copy(update=finetune)
    return Config(compute=ComputeSettings(threads=1)).model_copy(update={"finetune": schedule})


def examples(records: int, seed: int = 0) -> Examples:
    """Noise whose size in the first leads tells the two classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (records, 2)).astype(np.uint8)
    labels[:2] = [[0, 1], [1, 0]]
    signals = rng.normal(0, 1, (records, len(LEADS), SAMPLES))
    signals[:, :2] *= 1 + labels[:, :, None]
    return Examples(signals.astype(np.float16), labels)


def method() -> Normed:
    torch.manual_seed(3)
    made = Normed().eval()
    made.norm.running_var.fill_(0.5)
    return made


def tuned(
    of: Method, train: Examples, val: Examples, seed: int = 0, **settings: float
) -> Finetuned:
    with torch.no_grad():
        features = of.encode_ecg(torch.from_numpy(train.signals).float()).numpy()
    return finetune(of, features, train, val, config(**settings), seed)


@given(
    records=st.integers(1, 5000),
    size=st.integers(1, 256),
    epochs=st.integers(1, 30),
    least=st.integers(1, 500),
)
def test_few_records_make_enough_steps_and_many_all_of_theirs(
    records: int, size: int, epochs: int, least: int
) -> None:
    made = Schedule.of(config(batch_size=size, epochs=epochs, min_steps=least), records)
    assert made.steps >= least
    assert made.epoch_steps * made.batch_size >= records
    assert made.batch_size <= records
    needed = max(least, epochs * -(-records // made.batch_size))
    assert made.steps < needed + epochs


def test_the_rate_falls_by_the_step_and_is_at_its_half_in_the_middle() -> None:
    """Flaw 1 of protocol.md: a schedule stepped by the batch that was meant by the epoch, or the reverse."""
    with rates_of(torch.optim.AdamW) as rates:
        tuned(
            method(), examples(20), examples(9, 1),
            epochs=4, min_steps=40, warmup=0.0, lr=0.002, min_lr=0.0004, batch_size=5,
        )  # fmt: skip
    assert len(rates) == 40  # by epoch there would be four values, by batch and epoch 44 falls
    wanted = [0.0004 + 0.0016 * (1 + np.cos(np.pi * (step - 1) / 39)) / 2 for step in range(1, 40)]
    assert rates[1:] == pytest.approx(wanted, rel=1e-9)
    assert len(set(rates[1:])) == 39
    assert rates[20] == pytest.approx(0.0012, rel=0.03)
    assert rates[-1] > 0.0004 * 0.999


def test_a_copy_is_trained_and_the_shared_method_stays() -> None:
    shared = method()
    before = state_hash(shared)
    found = tuned(shared, examples(16), examples(8, 1), epochs=2, min_steps=4)
    assert state_hash(shared) == before
    assert not shared.training
    assert all(p.grad is None for p in shared.parameters())
    trained = found._module.classifier.method
    for name, weights in shared.named_parameters():
        assert not torch.equal(weights, trained.get_parameter(name)), f"{name} was not trained"
    assert not torch.equal(shared.norm.running_mean, trained.norm.running_mean)  # in train mode
    assert int(trained.norm.num_batches_tracked) <= 4  # and not by validation or by prediction


def test_predictions_are_made_in_eval_mode() -> None:
    test = examples(11, 2)
    found = tuned(method(), examples(16), examples(8, 1), epochs=2, min_steps=4)
    before = state_hash(found._module.classifier)
    together = found.scores(test.signals)
    alone = np.concatenate([found.scores(test.signals[i : i + 1]) for i in range(11)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert state_hash(found._module.classifier) == before


def test_the_best_epoch_by_validation_is_what_predicts() -> None:
    train, val = examples(24), examples(40, 1)
    found = tuned(
        method(), train, val, epochs=6, min_steps=36, lr=0.05
    )  # a wild rate: epochs differ
    assert len(found.by_epoch) == 6
    assert len(set(found.by_epoch)) > 2
    assert found.epoch == int(np.argmax(found.by_epoch)) + 1
    np.testing.assert_allclose(found.scores(val.signals), found.validation, atol=1e-5)
    figure = macro(auroc(val.labels, found.validation)).mean
    assert figure == pytest.approx(found.by_epoch[found.epoch - 1])


def test_without_a_scored_class_in_validation_the_last_epoch_is_taken() -> None:
    val = examples(6, 1)
    blank = Examples(val.signals, np.zeros_like(val.labels))
    found = tuned(method(), examples(12), blank, epochs=3, min_steps=3)
    assert found.by_epoch == (None, None, None)
    assert found.epoch == 3


def test_it_learns() -> None:
    few = examples(14)
    found = tuned(method(), few, examples(60, 1), epochs=4, min_steps=120, lr=0.01)
    assert macro(auroc(few.labels, found.scores(few.signals))).mean > 0.99
    many, unseen = examples(300), examples(200, 5)
    found = tuned(method(), many, examples(60, 1), epochs=4, min_steps=200, lr=0.01)
    assert macro(auroc(unseen.labels, found.scores(unseen.signals))).mean > 0.9


def test_equal_seeds_give_equal_scores_and_others_do_not() -> None:
    train, val = examples(20), examples(10, 1)
    first, again, other = (
        tuned(method(), train, val, seed, epochs=2, min_steps=6, batch_size=8).scores(val.signals)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_head_starts_at_prior_odds_whatever_the_unit_of_the_features() -> None:
    train = examples(30)
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (30, 6)).astype(np.float32) * [1e-6, 1, 1, 1, 1, 1000]
    head = Classifier(method(), features.astype(np.float32), train.labels)
    odds = (train.labels.sum(0) + 1) / (32 - train.labels.sum(0) - 1)
    ecg = torch.from_numpy(train.signals).float()
    for row in head.eval()(ecg).detach().exp().numpy():
        np.testing.assert_allclose(row, odds, rtol=1e-4)
    scaled = (features - features.mean(0)) / head.spread.numpy()
    assert np.abs(scaled).max() < 20


def test_constant_features_do_no_harm() -> None:
    head = Classifier(method(), np.ones((4, 6), np.float32), examples(4).labels)
    assert torch.isfinite(head.eval()(torch.zeros(2, len(LEADS), SAMPLES))).all()


def test_a_warning_of_the_method_is_heard_and_the_advice_of_lightning_is_not() -> None:
    class Outspoken(Normed):
        def encode_ecg(self, ecg: Tensor) -> Tensor:
            warnings.warn("the author's warning", stacklevel=1)
            return super().encode_ecg(ecg)

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = tuned(Outspoken(), examples(64), examples(32, 1), epochs=1)
        of_training = len(heard)
        found.scores(examples(8).signals)
    assert 1 < of_training < len(heard)
    assert {str(warning.message) for warning in heard} == {"the author's warning"}


def test_a_loss_that_is_nan_stops_with_what_to_do() -> None:
    with pytest.raises(EcgbenchError, match="The loss of Normed became") as caught:
        tuned(method(), examples(8), examples(4, 1), epochs=1, min_steps=9, lr=1e30, clip=0.0)
    assert "finetune.lr" in (caught.value.hint or "")


def test_no_method_has_a_schedule_of_its_own() -> None:
    tuned_by_itself = methods.get("mae").model_copy(
        update={"profiles": {"mini": {"finetune": {"lr": 0.1}}}}
    )
    with pytest.raises(ConfigError, match=r"finetune\.lr cannot be set by the profile mini of mae"):
        effective(tuned_by_itself, "mini")
    assert effective(methods.get("mae"), "mini", ["finetune.lr=0.1"]).finetune.lr == 0.1


class Drifting(Normed):
    """Flaw 4 of protocol.md: an encoder that is called frozen and whose statistics drift."""

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        self.norm.train()
        return super().encode_ecg(ecg)


def test_statistics_that_drift_while_frozen_are_detected() -> None:
    signals = examples(10).signals
    with pytest.raises(EcgbenchError, match="changed its own weights or statistics while frozen"):
        run_frozen(Drifting(), signals, lambda m, ecg: m.encode_ecg(ecg), config(), "")
    plain = method()
    wanted = plain.encode_ecg(torch.from_numpy(signals).float()).detach().numpy()
    left_in_train_mode = plain.train()
    found = run_frozen(left_in_train_mode, signals, lambda m, ecg: m.encode_ecg(ecg), config(), "")
    np.testing.assert_allclose(found, wanted, atol=1e-5)


QUICK = ("finetune.epochs=2", "finetune.min_steps=6", "finetune.batch_size=16")


def asked(request: Request, variant: str, protocol: str = "fine-tune") -> Request:
    question = Question(tasks.get("sim-tiny-super"), protocols.get(protocol), variant)
    return replace(request, questions=[question])


def run(request: Request) -> list[Result]:
    plan = make_plan(request)
    carry_out(plan)
    return plan.results()


def test_a_run_fills_its_cells_and_says_what_was_chosen(request_for: RequestFor) -> None:
    request = asked(request_for(overrides=QUICK), "10%")
    results = run(request)
    assert [result.status for result in results] == ["ok"] * 5, [r.reason for r in results]
    assert make_plan(request).missing == 0
    drawn = {path_of(request.out, r).with_suffix(".npz").read_bytes() for r in results}
    assert len(drawn) == 5
    for result in results:
        assert result.data is not None
        assert result.scores is not None
        assert 10 <= result.data.n_train <= 20
        assert result.choices["steps"] == 6
        by_epoch = result.choices["validation_by_epoch"]
        assert result.choices["epoch"] == int(np.argmax(by_epoch)) + 1
        assert result.choices["validation_macro_auroc"] == max(by_epoch)
        assert {"auroc", "f1"} <= set(result.scores.figures)
        assert result.test_evaluations == 1


def test_thresholds_and_epoch_never_see_a_test_label(
    request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flaw 2 of protocol.md: chosen on the test split. Other test labels give the same predictions."""
    honest = asked(request_for(overrides=QUICK), "100%")
    (result,) = run(honest)
    real = Dataset.labels

    def other_truth(self: Dataset, label_set: str, split: str | None = None) -> object:
        table = real(self, label_set, split)
        return table if split != "test" else replace(table, values=table.values[::-1])

    monkeypatch.setattr(Dataset, "labels", other_truth)
    other = replace(honest, out=honest.out.with_name("other"))
    (found,) = run(other)
    assert found.scores != result.scores  # the truth did change
    first, second = (
        predictions(request.out, r) for request, r in ((honest, result), (other, found))
    )
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.thresholds, second.thresholds)


def predictions(out: Path, result: Result) -> ScorePredictions:
    found = read_predictions(path_of(out, result).with_suffix(".npz"))
    assert isinstance(found, ScorePredictions)
    return found


def test_the_test_records_are_predicted_once_and_last(
    request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted: list[int] = []
    real = Finetuned.scores

    def counted(self: Finetuned, signals: np.ndarray) -> np.ndarray:
        assert len(self.by_epoch) == self.schedule.epochs, "predicted before an epoch was chosen"
        predicted.append(len(signals))
        return real(self, signals)

    monkeypatch.setattr(Finetuned, "scores", counted)
    (result,) = run(asked(request_for(overrides=QUICK), "100%"))
    assert result.data is not None
    assert predicted == [result.data.n_test]


def test_a_method_without_weights_is_refused_with_a_reason(request_for: RequestFor) -> None:
    (result,) = run(asked(request_for("classical"), "100%"))
    assert result.status == "not-applicable"
    assert "classical has no weights behind its features" in str(result.reason)
    assert not has_gradient(nn_free(), examples(2).signals[:1])
    assert has_gradient(method(), examples(2).signals[:1])


def nn_free() -> Method:
    class Means(Normed):
        def encode_ecg(self, ecg: Tensor) -> Tensor:
            return ecg.mean(-1)

    return Means()


SMALL = {
    "supervised": ("supervised:model.vit.width=16", "supervised:model.vit.depth=1"),
    "supervised_xresnet": ("supervised_xresnet:model.xresnet.widths=[8,8,8,8]",),
}


@pytest.mark.parametrize("name", SMALL)
def test_the_supervised_baselines_take_part_here_and_only_here(
    request_for: RequestFor, name: str
) -> None:
    fewer = (*SMALL[name], "finetune.epochs=1", "finetune.min_steps=2", "finetune.batch_size=4")
    request = request_for(name, overrides=fewer)
    assert {r.status for r in run(asked(request, "100%", "linear-probe"))} == {"not-applicable"}
    planned = make_plan(asked(request, "1%")).planned[0]
    (result,) = planned.session.run(planned.missing[:1])
    assert result.status == "ok", result.reason
    assert result.row.startswith(name)
