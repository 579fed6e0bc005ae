"""MERIT: two bounds on the mutual information with signal and report (arXiv 2605.27583).

Many details of the paper were not available. The card lists which details come from the paper and which
are choices of this implementation.
"""

from __future__ import annotations

import torch
from ecgbench.methods.merit.settings import MERITSettings
from torch import Tensor, nn

from ecgbench.method import Batch, Reconstruction, Setup
from ecgbench.nn.distributed import gather
from ecgbench.nn.losses import LogitScale, contrastive_bound, info_nce, reconstruction_bound
from ecgbench.nn.masked import build_decoder, guess_hidden, hidden_error, picture
from ecgbench.nn.text_side import TextSide
from ecgbench.nn.towers import build_text, build_vit, projection, unit
from ecgbench.nn.vit import EcgViT


class MERIT(TextSide):
    """Maximises ``I(Z; X) + lambda I(Z; T)`` through a lower bound on each term.

    Reconstruction: the encoder sees a masked view, and the decoder reconstructs the hidden patches
    (Barber-Agakov with a Gaussian). Contrast: the encoder sees the full view, which is compared with
    reports (InfoNCE). Both bounds are logged in nats.
    """

    config: MERITSettings

    def __init__(self, config: MERITSettings, setup: Setup) -> None:
        super().__init__(config, setup)
        self.encoder = build_vit(config.vit, setup)
        self.text_side_encoder = build_vit(config.vit, setup) if config.separate_encoders else None
        features = self.encoder.features
        self.gate = nn.Linear(features, 1) if config.layer_fusion == "gated" else None
        self.decoder = build_decoder(config.decoder, setup, self.encoder, self.encoder.width)
        self.text = build_text(config.text, setup)
        self.ecg_projection = projection(features, config.dim, config.dim)
        self.text_projection = projection(self.text.width, config.dim, config.dim)
        self.scale = LogitScale(1 / config.temperature)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Both terms, their weighted sum, and both bounds; a term of weight 0 is not computed."""
        weights = self.config.weights
        logged: dict[str, Tensor] = {}
        loss = batch.ecg.new_zeros(())
        if weights.reconstruction > 0:
            mask, guess = guess_hidden(self.encoder, self.decoder, self.config.mask, batch.ecg)
            mse = hidden_error(batch.ecg, guess, mask)
            loss = loss + weights.reconstruction * mse
            logged["reconstruction"] = mse.detach()
            logged["nats_signal"] = reconstruction_bound(mse.detach(), self.encoder.patch)
        if weights.contrast > 0:
            tokens, text_id = batch.with_reports("MERIT")
            ecg = gather(self.ecg_projection(self._fused(batch.ecg)))
            text = gather(self.text_projection(self.text(tokens).pooled))
            keys, scale = gather(text_id), self.scale()
            contrast = info_nce(ecg, text, scale, keys)
            loss = loss + weights.contrast * contrast
            logged["contrast"] = contrast.detach()
            logged["nats_text"] = contrastive_bound(ecg, text, scale, keys).detach()
        return {"loss": loss, **logged}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The fused pooled layers; with separate encoders, both concatenated."""
        if self.text_side_encoder is None:
            return self._fused(ecg)
        return torch.cat([self.encoder.pool(self.encoder(ecg)), self._fused(ecg)], dim=1)

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """All patch tokens of the contrastive encoder: ``[B, L, T] -> [B, L * N, width]``."""
        return self._contrast_encoder()(ecg)

    def embed_ecg(self, ecg: Tensor) -> Tensor:
        """Embed ECGs as unit vectors in the space of the texts: ``[B, L, T] -> [B, dim]``."""
        return unit(self.ecg_projection(self._fused(ecg)))

    def reconstruct(self, ecg: Tensor) -> Reconstruction:
        """A masked ECG and its reconstruction."""
        mask, guess = guess_hidden(self.encoder, self.decoder, self.config.mask, ecg)
        return picture(ecg, guess, mask)

    def _contrast_encoder(self) -> EcgViT:
        return self.encoder if self.text_side_encoder is None else self.text_side_encoder

    def _fused(self, ecg: Tensor) -> Tensor:
        """Pooled layers, combined as defined by ``model.layer_fusion``: ``[B, features]``."""
        encoder = self._contrast_encoder()
        if self.config.layer_fusion == "last":
            return encoder.pool(encoder(ecg))
        layers = torch.stack([encoder.pool(tokens) for tokens in encoder.hidden_states(ecg)])
        if self.gate is None:
            return layers.mean(0)
        weights: Tensor = self.gate(layers).softmax(0)
        return (weights * layers).sum(0)
