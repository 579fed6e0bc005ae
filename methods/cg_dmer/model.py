"""CG-DMER: masked modelling of ECG and report, disentangled and aligned (arXiv 2602.21154).

Many details of the paper were not available. The card lists which details come from the paper and which
are choices of this implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from ecgbench.methods.cg_dmer.settings import CGDMERSettings
from torch import Tensor, nn

from ecgbench.method import Batch, Method, Reconstruction, Setup, Tokens
from ecgbench.nn.distributed import gather
from ecgbench.nn.losses import (
    LogitScale,
    info_nce,
    masked_cross_entropy,
    orthogonality,
    siglip,
)
from ecgbench.nn.masked import build_decoder, draw_mask, hidden_error, picture
from ecgbench.nn.masking import PatchMask
from ecgbench.nn.text import WordHead, mask_words, mean_over_tokens
from ecgbench.nn.towers import build_text, build_vit, projection, save_text, unit


class Parts(NamedTuple):
    """Token states of a modality, split into two parts.

    Attributes:
        shared: ``[B, N, dim]``, common to both modalities.
        specific: ``[B, N, dim]``, specific to the modality; None in the ablation without it.
    """

    shared: Tensor
    specific: Tensor | None

    def joined(self) -> Tensor:
        """Input of the decoder: ``[B, N, dim or 2 dim]``."""
        if self.specific is None:
            return self.shared
        return torch.cat([self.shared, self.specific], dim=-1)


class CGDMER(Method):
    """Spatial-temporal masked modelling with modality-shared and modality-specific encoders.

    ``L = L_ecg + L_mlm + L_align + w L_orth``. Leads and time patches are hidden. One head with the
    same weights for both modalities computes the shared part, and one head per modality computes the
    specific part. The decoder of each modality reads both. Every ablation is one configuration value.
    """

    config: CGDMERSettings

    def __init__(self, config: CGDMERSettings, setup: Setup) -> None:
        super().__init__(config, setup)
        dim = config.dim
        both = 2 * dim if config.specific else dim
        self.encoder = build_vit(config.vit, setup)
        self.text = build_text(config.text, setup)
        self.ecg_in = nn.Linear(self.encoder.width, dim)
        self.text_in = nn.Linear(self.text.width, dim)
        self.shared = projection(dim, dim, dim)
        self.ecg_specific = projection(dim, dim, dim) if config.specific else None
        self.text_specific = projection(dim, dim, dim) if config.specific else None
        self.decoder = build_decoder(config.decoder, setup, self.encoder, both)
        self.words = WordHead(both, dim, self.text.vocabulary) if config.weights.mlm > 0 else None
        sigmoid = config.alignment == "sigmoid"
        self.scale = LogitScale(10.0 if sigmoid else 1 / 0.07)
        self.bias = nn.Parameter(torch.tensor(float(config.bias))) if sigmoid else None

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The four terms and their weighted sum; records without a report only have the ECG term."""
        tokens, text_id = batch.with_reports("CG-DMER")
        weights, reported = self.config.weights, text_id >= 0
        mask, ecg, guess = self._masked_pass(batch.ecg)
        terms = {"ecg": hidden_error(batch.ecg, guess, mask)}
        if self.words is not None:
            terms["mlm"] = self._word_loss(tokens)
        text = self._text_parts(tokens)
        attention = tokens["attention_mask"]
        s_ecg, s_text = ecg.shared.mean(1), mean_over_tokens(text.shared, attention)
        terms["align"] = self._align(s_ecg, s_text, text_id)
        if ecg.specific is not None and text.specific is not None and weights.orthogonality > 0:
            p_ecg = ecg.specific.mean(1)
            p_text = mean_over_tokens(text.specific, attention)
            terms["orthogonality"] = (
                orthogonality(s_ecg, p_ecg)
                + orthogonality(s_text, p_text, reported)
                + orthogonality(p_ecg, p_text, reported)
            )
        loss = torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()
        return {"loss": loss, **{name: term.detach() for name, term in terms.items()}}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The feature chosen by ``model.feature``: pooled encoder output, mean shared part, or both parts."""
        tokens = self.encode_tokens(ecg)
        if self.config.feature == "pooled":
            return self.encoder.pool(tokens)
        parts = self._ecg_parts(tokens)
        return (parts.shared if self.config.feature == "shared" else parts.joined()).mean(1)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """All patch tokens, lead by lead: ``[B, L, T] -> [B, L * N, width]``."""
        return self.encoder(ecg)

    def embed_ecg(self, ecg: Tensor) -> Tensor:
        """The shared part as a unit vector: ``[B, L, T] -> [B, dim]``."""
        return unit(self.shared(self.ecg_in(self.encoder(ecg))).mean(1))

    def embed_text(self, tokens: Tokens) -> Tensor:
        """The shared part as a unit vector: tokens of ``B`` texts ``-> [B, dim]``."""
        shared = self.shared(self.text_in(self.text(tokens).states))
        return unit(mean_over_tokens(shared, tokens["attention_mask"]))

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Token ids and attention masks, ``[B, S]`` each."""
        return self.text.tokenize(texts)

    def save_assets(self, folder: Path) -> None:
        """The tokenizer and the text encoder's architecture."""
        save_text(self.text, folder)

    def reconstruct(self, ecg: Tensor) -> Reconstruction:
        """A masked ECG and its reconstruction."""
        mask, _, guess = self._masked_pass(ecg)
        return picture(ecg, guess, mask)

    def _masked_pass(self, ecg: Tensor) -> tuple[PatchMask, Parts, Tensor]:
        """A mask, the parts of the visible tokens, and the reconstruction of all patches."""
        patch = self.encoder.patch
        mask = draw_mask(self.config.mask, ecg, patch)
        parts = self._ecg_parts(self.encoder.forward_visible(ecg, mask.visible_index))
        guess = self.decoder(parts.joined(), mask.visible_index, ecg.shape[-1] // patch)
        return mask, parts, guess

    def _ecg_parts(self, tokens: Tensor) -> Parts:
        x = self.ecg_in(tokens)
        return Parts(self.shared(x), self.ecg_specific(x) if self.ecg_specific else None)

    def _text_parts(self, tokens: Tokens) -> Parts:
        x = self.text_in(self.text(tokens).states)
        return Parts(self.shared(x), self.text_specific(x) if self.text_specific else None)

    def _word_loss(self, tokens: Tokens) -> Tensor:
        assert self.words is not None
        masked = mask_words(
            tokens,
            self.text.special(tokens),
            self.config.mask.words,
            self.text.tokenizer.mask_token_id,
        )
        return masked_cross_entropy(
            self.words(self._text_parts(masked.tokens).joined()), masked.labels
        )

    def _align(self, ecg: Tensor, text: Tensor, text_id: Tensor) -> Tensor:
        ecg, text, keys = gather(ecg), gather(text), gather(text_id)
        if self.bias is None:
            return info_nce(ecg, text, self.scale(), keys)
        return siglip(ecg, text, self.scale(), self.bias, keys)
