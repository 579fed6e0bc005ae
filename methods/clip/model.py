"""Contrastive learning of ECGs and reports, as in CLIP."""

from __future__ import annotations

from ecgbench.methods.clip.settings import CLIPSettings
from torch import Tensor, nn

from ecgbench.method import Batch, Setup
from ecgbench.nn.distributed import gather
from ecgbench.nn.losses import LogitScale, info_nce
from ecgbench.nn.text_side import TextSide
from ecgbench.nn.towers import build_text, build_tower, unit


class CLIP(TextSide):
    """Learns to match the ECGs and reports of a batch.

    Symmetric InfoNCE with a learnable temperature. Negatives come from all processes, with gradient. Equal
    reports are not negatives of each other.
    """

    config: CLIPSettings

    def __init__(self, config: CLIPSettings, setup: Setup) -> None:
        super().__init__(config, setup)
        self.encoder = build_tower(config.encoder, config, setup)
        self.text = build_text(config.text, setup)
        self.ecg_projection = nn.Linear(self.encoder.features, config.dim, bias=False)
        self.text_projection = nn.Linear(self.text.width, config.dim, bias=False)
        self.scale = LogitScale(1 / config.temperature)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The contrastive loss and the learnt scale."""
        tokens, text_id = batch.with_reports("CLIP")
        ecg = gather(self.ecg_projection(self.encode_ecg(batch.ecg)))
        text = gather(self.text_projection(self.text(tokens).pooled))
        scale = self.scale()
        loss = info_nce(ecg, text, scale, gather(text_id))
        return {"loss": loss, "scale": scale.detach()}

    def encode_ecg(self, ecg: Tensor) -> Tensor:
        """The encoder's feature, before the projection: ``[B, L, T] -> [B, features]``."""
        return self.encoder.pool(self.encoder(ecg))

    def encode_tokens(self, ecg: Tensor) -> Tensor:
        """The encoder's tokens: ``[B, L, T] -> [B, N, width]``."""
        return self.encoder(ecg)

    def embed_ecg(self, ecg: Tensor) -> Tensor:
        """Embed ECGs as unit vectors in the space of the texts: ``[B, L, T] -> [B, dim]``."""
        return unit(self.ecg_projection(self.encode_ecg(ecg)))
