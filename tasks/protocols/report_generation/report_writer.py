"""A language model with an ECG as input: projector, soft prompt, low-rank adapters.

Tokens of a frozen ECG encoder pass a two-layer GELU projector (as in ECG-Chat). The projected tokens are a
soft prompt before the tokens of the report. The projector and the LoRA matrices (Hu et al. 2022) are trained.
The language model's own weights are frozen.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .epochs import Fitted, Summed, fit_by_validation
from .language_model import LanguageModel, next_token_loss, padded
from .settings import LoraSettings, TrainingSettings

Prompts = NDArray[np.float32]


class ReportWriter(nn.Module):
    """A language model behind a projector.

    Args:
        lm: The language model; the writer changes only a copy.
        like: Training prompts ``[n, K, d]``. Their mean and standard deviation scale the tokens, so one
            learning rate suits every encoder.
        lora: Settings of the adapters.
        seed: Random seed of the new weights.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, lm: LanguageModel, like: Prompts, lora: LoraSettings, seed: int) -> None:
        super().__init__()
        flat = like.reshape(-1, like.shape[-1]).astype(np.float64)
        spread = flat.std(axis=0)
        spread = np.where(spread > 1e-6 * max(1.0, float(np.abs(flat).max())), spread, 1.0)
        self.register_buffer("mean", torch.tensor(flat.mean(axis=0), dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(1 / spread, dtype=torch.float32))
        self.lm = lm
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            width = lm.width
            self.projector = nn.Sequential(
                nn.Linear(like.shape[-1], width), nn.GELU(), nn.Linear(width, width)
            )
            self.model: Any = _with_lora(lm, lora)

    @property
    def device(self) -> torch.device:
        """Device of the writer."""
        return self.mean.device

    def prompt(self, tokens: Tensor) -> Tensor:
        """Embeddings of ECG tokens ``[B, K, d]`` as soft prompts, followed by the start of a report."""
        soft = self.projector((tokens - self.mean) * self.scale)
        start = torch.tensor(self.lm.start, device=self.device).expand(len(tokens), -1)
        return torch.cat([soft, self.model.get_input_embeddings()(start)], dim=1)

    def loss(self, tokens: Tensor, reports: Sequence[Sequence[int]]) -> Summed:
        """Cross-entropy of reports (token ids with the end token) given the prompts of their ECGs."""
        ids, labels = (part.to(self.device) for part in padded(reports, 0))
        before = self.prompt(tokens)
        behind = self.model.get_input_embeddings()(ids)
        logits = self.model(inputs_embeds=torch.cat([before, behind], dim=1)).logits
        return next_token_loss(logits[:, before.shape[1] - 1 :], _one_later(labels))

    @torch.inference_mode()
    def write(self, tokens: Tensor, *, beams: int, longest: int) -> list[str]:
        """Reports of ECGs ``[B, K, d]``.

        Args:
            tokens: Output of the frozen encoder.
            beams: 1 for greedy decoding; beam search ranks by the mean log-likelihood per token.
            longest: Largest number of tokens of a report.
        """
        before = self.prompt(tokens)
        output = self.model.generate(
            inputs_embeds=before,
            attention_mask=torch.ones(before.shape[:2], dtype=torch.long, device=self.device),
            do_sample=False,
            num_beams=beams,
            length_penalty=1.0,
            max_new_tokens=longest,
            eos_token_id=self.lm.end,
            pad_token_id=self.lm.end,
        )
        return [self.lm.decode(ids) for ids in output.tolist()]

    def trained(self) -> dict[str, Tensor]:
        """The trained parameters, by name."""
        return {name: p.detach() for name, p in self.named_parameters() if p.requires_grad}


def train_writer(
    writer: ReportWriter,
    train: tuple[Prompts, Sequence[str]],
    val: tuple[Prompts, Sequence[str]],
    *,
    longest: int,
    settings: TrainingSettings,
    seed: int,
) -> Fitted:
    """Train projector and adapters on pairs of prompts and reports; keep the best epoch on validation.

    Args:
        writer: The writer to train. Ends in eval mode.
        train: Prompts ``[n, K, d]`` and reports ``[n]``.
        val: Prompts and reports of validation, which only choose the epoch.
        longest: Largest number of tokens of a report; longer ones are cut.
        settings: The schedule.
        seed: Random seed of order and dropout.
    """
    parts = {}
    for split, (prompts, texts) in (("train", train), ("val", val)):
        ids = [writer.lm.encode(text, longest) for text in texts]
        parts[split] = torch.from_numpy(prompts).to(writer.device), ids

    def loss(split: str, rows: Sequence[int]) -> Summed:
        tokens, ids = parts[split]
        return writer.loss(tokens[list(rows)], [ids[row] for row in rows])

    return fit_by_validation(
        writer,
        lambda rows: loss("train", rows),
        lambda rows: loss("val", rows),
        [len(ids) for ids in parts["train"][1]],
        len(val[1]),
        settings,
        seed,
        "Learning to write reports",
    )


def _one_later(labels: Tensor) -> Tensor:
    """Labels after the prompt; the last token of the prompt predicts the first label."""
    return nn.functional.pad(labels, (1, 0), value=-100)


def _with_lora(lm: LanguageModel, settings: LoraSettings) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.targets,
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT warns because GPT-2 stores its matrices transposed
        return get_peft_model(copy.deepcopy(lm.model), config)
