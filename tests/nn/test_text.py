"""Text encoders, their tokenizers and word masking."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbench.base.errors import EcgbenchError
from ecgbench.nn.text import (
    SPECIAL,
    TextEncoder,
    WordHead,
    mask_words,
    pretrained_text_encoder,
    rebuild_text_encoder,
    small_text_encoder,
)

REPORTS = [
    "Sinusrhythmus, überdrehter Linkstyp. Normales EKG.",
    "sinus rhythm. left bundle branch block. abnormal ecg.",
    "atrial fibrillation with rapid ventricular response",
    "sinus rhythm. first degree av block.",
    "pacemaker rhythm",
] * 4


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    torch.manual_seed(0)
    return small_text_encoder(REPORTS, width=32, depth=2, heads=2, max_tokens=24).eval()


def test_the_tokenizer_knows_its_corpus(encoder: TextEncoder) -> None:
    tokens = encoder.tokenize(["Left BUNDLE branch block", "überdrehter Linkstyp"])
    texts = encoder.tokenizer.batch_decode(tokens["input_ids"], skip_special_tokens=True)
    assert texts == ["left bundle branch block", "überdrehter linkstyp"]
    assert (tokens["input_ids"][:, 0] == encoder.tokenizer.cls_token_id).all()
    assert encoder.tokenize(["", "x " * 500])["input_ids"].shape == (2, 24)


def test_training_the_tokenizer_twice_gives_the_same_one(tmp_path: Path) -> None:
    """In processes with different hash seeds, too."""
    code = (
        "import sys, json; from ecgbench.nn.text import train_wordpiece\n"
        "print(train_wordpiece(json.load(open(sys.argv[1])), 120).to_str())"
    )
    corpus = tmp_path / "reports.json"
    corpus.write_text(json.dumps(REPORTS))
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, str(corpus)],
            env={"PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, threads in (("1", "1"), ("2", "2"))
    }
    assert len(outputs) == 1


def test_padding_changes_nothing(encoder: TextEncoder) -> None:
    alone = encoder(encoder.tokenize(["pacemaker rhythm"]))
    beside = encoder(encoder.tokenize(["pacemaker rhythm", REPORTS[0]]))
    torch.testing.assert_close(beside.pooled[0], alone.pooled[0], atol=1e-5, rtol=1e-4)
    length = alone.states.shape[1]
    torch.testing.assert_close(beside.states[0, :length], alone.states[0], atol=1e-5, rtol=1e-4)


def test_an_encoder_is_rebuilt_from_json_and_weights(encoder: TextEncoder) -> None:
    description = json.loads(json.dumps(encoder.describe()))
    copy = rebuild_text_encoder(description).eval()
    copy.load_state_dict(encoder.state_dict())
    first, second = encoder.tokenize(REPORTS), copy.tokenize(REPORTS)
    assert torch.equal(first["input_ids"], second["input_ids"])
    assert torch.equal(encoder(first).pooled, copy(second).pooled)


@pytest.mark.parametrize("pooling", ["pooler", "mean", "cls"])
def test_a_local_hugging_face_directory_is_loaded(tmp_path: Path, pooling: str) -> None:
    from transformers import BertConfig, BertModel

    source = small_text_encoder(REPORTS, width=16, depth=3, heads=2, max_tokens=24)
    config = BertConfig.from_dict(source.model.config.to_dict())
    BertModel(config).save_pretrained(tmp_path)
    source.tokenizer.save_pretrained(tmp_path)
    loaded = pretrained_text_encoder(str(tmp_path), max_tokens=16, pooling=pooling).eval()
    out = loaded(loaded.tokenize(REPORTS))
    assert out.pooled.shape == (len(REPORTS), 16)
    copy = rebuild_text_encoder(loaded.describe()).eval()
    copy.load_state_dict(loaded.state_dict())
    assert torch.equal(copy(copy.tokenize(REPORTS)).pooled, out.pooled)
    loaded.train()
    loaded(loaded.tokenize(REPORTS)).pooled.sum().backward()
    without = [n for n, p in loaded.named_parameters() if p.requires_grad and p.grad is None]
    assert not without


def test_an_encoder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EcgbenchError, match="cannot be loaded") as caught:
        pretrained_text_encoder(str(tmp_path / "nothing"))
    assert caught.value.hint is not None
    assert "directory" in caught.value.hint


def test_freezing_stops_the_first_layers(encoder: TextEncoder) -> None:
    model = small_text_encoder(REPORTS, width=16, depth=3, heads=2, max_tokens=24)
    model.freeze_layers(2)
    frozen = {n.split("layer.")[1][0] for n, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"0", "1"}
    model.freeze_layers(3)
    assert not any(p.requires_grad for p in model.parameters())
    with pytest.raises(EcgbenchError, match="Cannot freeze 4 of 3"):
        model.freeze_layers(4)


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.sampled_from([*REPORTS[:5], ""]), min_size=1, max_size=5),
    fraction=st.sampled_from([0.15, 0.25, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
def test_masked_words_are_exact_in_number_and_never_special(
    encoder: TextEncoder, texts: list[str], fraction: float, seed: int
) -> None:
    torch.manual_seed(seed)
    tokens = encoder.tokenize(texts)
    special = encoder.special(tokens)
    assert special.sum(1).tolist() == [
        int((row == 0).sum()) + 2 for row in tokens["attention_mask"]
    ]
    mask_id = encoder.tokenizer.mask_token_id
    masked, labels = mask_words(tokens, special, fraction, mask_id)
    hidden = labels != -100
    assert not (hidden & special).any()
    words = (~special).sum(1)
    assert torch.equal(hidden.sum(1), (words * fraction).ceil().long())
    assert torch.equal(masked["input_ids"] == mask_id, hidden)
    assert torch.equal(torch.where(hidden, labels, masked["input_ids"]), tokens["input_ids"])


def test_text_runs_on_the_meta_device(encoder: TextEncoder) -> None:
    model = rebuild_text_encoder(encoder.describe()).to("meta")
    tokens = {name: value.to("meta") for name, value in model.tokenize(REPORTS).items()}
    masked = mask_words(tokens, model.special(tokens), 0.25, 4).tokens
    out = model(masked)
    head = WordHead(32, 16, model.vocabulary).to("meta")
    assert head(out.states).shape[-1] == model.vocabulary
    assert out.pooled.device.type == "meta"


def test_text_in_bfloat16_is_close(encoder: TextEncoder) -> None:
    tokens = encoder.tokenize(REPORTS)
    exact = encoder(tokens).pooled
    with torch.autocast("cpu", torch.bfloat16):
        rough = encoder(tokens).pooled
    assert (exact - rough.float()).abs().mean() < 0.03 * exact.abs().mean()


def test_special_tokens_are_in_every_vocabulary(encoder: TextEncoder) -> None:
    assert set(SPECIAL.values()) <= set(encoder.tokenizer.get_vocab())
