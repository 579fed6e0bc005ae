"""Text encoders: any Hugging Face encoder, or a small BERT trained from scratch.

The offline default needs no download: a WordPiece tokenizer trained on the corpus, and a BERT-shaped
encoder with random weights. Both kinds use the class :class:`TextEncoder`. A checkpoint stores its
architecture and tokenizer as JSON (:meth:`TextEncoder.describe`) and its weights as state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from ecgbench.base.errors import EcgbenchError

Tokens = dict[str, Tensor]
"""``input_ids`` and ``attention_mask``, int64 ``[B, S]``."""

Pooling = Literal["mean", "cls", "pooler"]

SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


class EncodedText(NamedTuple):
    """A batch of encoded reports.

    Attributes:
        pooled: ``[B, D]``, one vector per report.
        states: ``[B, S, D]``, one per token.
    """

    pooled: Tensor
    states: Tensor


class TextEncoder(nn.Module):
    """A tokenizer and a transformer encoder.

    Args:
        model: A Hugging Face encoder (``transformers.PreTrainedModel``).
        tokenizer: Its fast tokenizer.
        max_tokens: Longer texts are cut.
        pooling: ``mean`` over tokens, the first token (``cls``), or BERT's ``pooler``.
    """

    def __init__(self, model: Any, tokenizer: Any, max_tokens: int, pooling: Pooling) -> None:
        super().__init__()
        self.model: nn.Module = model
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.pooling = pooling
        self.width: int = model.config.hidden_size
        self.vocabulary: int = model.config.vocab_size

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Turn texts into token ids on the CPU, padded to the longest text."""
        encoded = self.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
        )
        return {name: encoded[name] for name in ("input_ids", "attention_mask")}

    def forward(self, tokens: Tokens) -> EncodedText:
        """Encode tokens. Padding is excluded from attention and from the mean."""
        output = self.model(
            input_ids=tokens["input_ids"], attention_mask=self._attention(tokens["attention_mask"])
        )
        states: Tensor = output.last_hidden_state
        if self.pooling == "pooler":
            return EncodedText(output.pooler_output, states)
        if self.pooling == "cls":
            return EncodedText(states[:, 0], states)
        return EncodedText(mean_over_tokens(states, tokens["attention_mask"]), states)

    def _attention(self, mask: Tensor) -> Tensor:
        """Expand the padding mask, so that transformers does not wait for the device to inspect it."""
        if getattr(self.model.config, "_attn_implementation", None) != "sdpa":
            return mask
        batch, length = mask.shape
        return mask.bool()[:, None, None, :].expand(batch, 1, length, length)

    def special(self, tokens: Tokens) -> Tensor:
        """True for padding and other special tokens: bool ``[B, S]``."""
        ids = tokens["input_ids"]
        special = tokens["attention_mask"] == 0
        for number in self.tokenizer.all_special_ids:
            special = special | (ids == number)
        return special

    def freeze_layers(self, count: int) -> None:
        """Freeze the first ``count`` transformer layers; if these are all layers, freeze the whole encoder.

        Raises:
            EcgbenchError: The encoder has fewer layers, or its layers cannot be found.
        """
        layers = _layers(self.model)
        if count > len(layers):
            raise EcgbenchError(f"Cannot freeze {count} of {len(layers)} text layers.")
        for layer in layers[:count]:
            layer.requires_grad_(False)
        if count == len(layers):
            self.model.requires_grad_(False)

    def describe(self) -> dict[str, Any]:
        """Everything except the weights, as JSON-like data; see :func:`rebuild_text_encoder`."""
        return {
            "config": json.loads(self.model.config.to_json_string(use_diff=False)),  # type: ignore[union-attr, operator]
            "tokenizer": self.tokenizer.backend_tokenizer.to_str(),
            "special": {name: getattr(self.tokenizer, name) for name in SPECIAL},
            "max_tokens": self.max_tokens,
            "pooling": self.pooling,
        }


def small_text_encoder(
    texts: Iterable[str],
    *,
    vocabulary: int = 4000,
    width: int = 128,
    depth: int = 2,
    heads: int = 4,
    max_tokens: int = 128,
    dropout: float = 0.1,
) -> TextEncoder:
    """The offline default: WordPiece trained on ``texts`` and a BERT-shaped encoder from scratch.

    Args:
        texts: The training reports.
        vocabulary: Maximum number of word pieces; a small corpus gives fewer.
        width: Hidden size, D.
        depth: Layers.
        heads: Attention heads.
        max_tokens: Longest input.
        dropout: Dropout rate in training.
    """
    from transformers import BertConfig, BertModel

    tokenizer = _fast_tokenizer(train_wordpiece(texts, vocabulary), SPECIAL)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=max_tokens,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = BertModel(config, add_pooling_layer=False)
    return TextEncoder(model, tokenizer, max_tokens, "mean")


def pretrained_text_encoder(
    source: str, *, max_tokens: int = 256, pooling: Pooling = "pooler"
) -> TextEncoder:
    """A Hugging Face encoder by hub id or local directory.

    Raises:
        EcgbenchError: It cannot be loaded; the hint says what to do without a network.
    """
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = AutoModel.from_pretrained(source)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise EcgbenchError(
            f"The text encoder {source!r} cannot be loaded: {str(error).splitlines()[0]}",
            "Give a directory with the model, download it first where there is a network, "
            "or take the small encoder that needs no download (text.source: null).",
        ) from error
    if getattr(model, "pooler", None) is None and pooling == "pooler":
        pooling = "cls"
    if pooling != "pooler" and hasattr(model, "pooler"):
        model.pooler = None  # unused parameters are neither trained nor counted
    return TextEncoder(model, tokenizer, max_tokens, pooling)


def rebuild_text_encoder(description: dict[str, Any]) -> TextEncoder:
    """An encoder of the described architecture with fresh weights, ready for a checkpoint's."""
    from tokenizers import Tokenizer
    from transformers import AutoConfig, AutoModel

    config_fields = dict(description["config"])
    config = AutoConfig.for_model(config_fields.pop("model_type"), **config_fields)
    pooler = {"add_pooling_layer": False} if description["pooling"] != "pooler" else {}
    try:
        model = AutoModel.from_config(config, **pooler)
    except TypeError:  # architectures without a pooler do not have this option
        model = AutoModel.from_config(config)
    tokenizer = _fast_tokenizer(
        Tokenizer.from_str(description["tokenizer"]), description["special"]
    )
    return TextEncoder(model, tokenizer, description["max_tokens"], description["pooling"])


def train_wordpiece(texts: Iterable[str], vocabulary: int) -> Any:
    """Train a lower-casing WordPiece ``tokenizers.Tokenizer``; the same texts give the same one."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from tokenizers.trainers import WordPieceTrainer

    texts = list(texts)
    normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    letters = sorted({letter for text in texts for letter in normalizer.normalize_str(text)})
    # The trainer numbers letters inside words in random order and breaks ties by number. As special
    # tokens the letters have fixed numbers. The final tokenizer has the usual five special tokens.
    inner = [f"##{letter}" for letter in letters if not letter.isspace()]
    trainer = WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=[*SPECIAL.values(), *inner], show_progress=False
    )
    learner = Tokenizer(models.WordPiece(unk_token=SPECIAL["unk_token"]))
    learner.normalizer = normalizer
    learner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    learner.train_from_iterator(texts, trainer)

    words = models.WordPiece(learner.get_vocab(), unk_token=SPECIAL["unk_token"])
    tokenizer = Tokenizer(words)
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, learner.pre_tokenizer
    tokenizer.add_special_tokens(list(SPECIAL.values()))
    cls, sep = SPECIAL["cls_token"], SPECIAL["sep_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in (cls, sep)],
    )
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


class MaskedText(NamedTuple):
    """A batch of reports with hidden words.

    Attributes:
        tokens: The input, with hidden ids replaced by the mask token.
        labels: int64 ``[B, S]``: the hidden ids, -100 elsewhere.
    """

    tokens: Tokens
    labels: Tensor


def mask_words(tokens: Tokens, special: Tensor, fraction: float, mask_id: int) -> MaskedText:
    """Hide ``ceil(fraction * words)`` tokens of every report; special tokens are never hidden.

    Args:
        tokens: ``input_ids`` and ``attention_mask``, ``[B, S]``.
        special: bool ``[B, S]``, tokens that must not be hidden (:meth:`TextEncoder.special`).
        fraction: Share of the words of each report.
        mask_id: Id of the mask token.
    """
    ids = tokens["input_ids"]
    luck = torch.rand(ids.shape, device=ids.device).masked_fill(special, 2.0)
    rank = luck.argsort(-1).argsort(-1)
    count = ((~special).sum(-1, keepdim=True) * fraction).ceil()
    hidden = (rank < count) & ~special
    masked = dict(tokens, input_ids=ids.masked_fill(hidden, mask_id))
    return MaskedText(masked, ids.masked_fill(~hidden, -100))


class WordHead(nn.Module):
    """Predicts hidden words from token states: ``[B, S, width_in]`` to ``[B, S, vocabulary]``.

    Args:
        width_in: Width of the token states.
        width: Inner width.
        vocabulary: Word pieces.
    """

    def __init__(self, width_in: int, width: int, vocabulary: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width_in, width),
            nn.GELU(),
            nn.LayerNorm(width),
            nn.Linear(width, vocabulary),
        )

    def forward(self, states: Tensor) -> Tensor:
        """Logits over the vocabulary."""
        logits: Tensor = self.layers(states)
        return logits


def mean_over_tokens(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Mean of states ``[B, S, D]`` where the mask ``[B, S]`` is 1: ``[B, D]``."""
    weight = attention_mask[..., None].to(states.dtype)
    return (states * weight).sum(1) / weight.sum(1).clamp(min=1)


def _fast_tokenizer(backend: Any, special: dict[str, str]) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def _layers(model: nn.Module) -> list[nn.Module]:
    """The transformer layers, identified as the longest list of modules in the encoder."""
    stacks = [list(module) for module in model.modules() if isinstance(module, nn.ModuleList)]
    if not stacks:
        raise EcgbenchError(f"{type(model).__name__} has no list of layers to freeze.")
    return max(stacks, key=len)
