"""Masks for masked modelling: the choice of hidden ECG patches.

The six limb leads are linear combinations of two (III = II - I, aVR = -(I + II) / 2,
aVL = I - II / 2, aVF = II - I / 2), and any two of them give the other four. A hidden limb patch
can therefore be computed from two visible ones of the same time. To prevent this, at every time a mask
shows zero, one or all six limb leads: zero or one reveal nothing, and with six nothing is hidden. The
masks below follow this rule with exact counts. Every sample of a batch has the same number of visible
tokens, so tensors are rectangular.

All randomness comes from torch's generator on ``device``; no function synchronises with the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LIMB_LEADS = 6
"""Number of limb leads, the first six of ``ecgbench.data.leads.LEADS``."""


@dataclass(frozen=True)
class PatchMask:
    """A mask over the tokens of a batch, numbered ``lead * patches + patch`` in each sample.

    Attributes:
        hidden: bool ``[B, L * N]``, True where a token is hidden.
        visible_index: int64 ``[B, V]``, ascending.
    """

    hidden: Tensor
    visible_index: Tensor


def random_mask(
    batch: int,
    leads: int,
    patches: int,
    *,
    lead_fraction: float,
    patch_fraction: float,
    device: torch.device | str,
) -> PatchMask:
    """Hide leads, patches, or both, by the two fractions in a method's configuration.

    Args:
        batch: Samples, B.
        leads: L; the first six are the limb leads.
        patches: Patches per lead, N.
        lead_fraction: Share of the leads that are entirely hidden; 0 for none.
        patch_fraction: Share of ALL hidden tokens; 0 to hide only leads.
        device: Device of the mask and of the random generator.
    """
    if lead_fraction <= 0:
        return patch_mask(batch, leads, patches, patch_fraction, device)
    if patch_fraction <= 0:
        return lead_mask(batch, leads, patches, lead_fraction, device)
    return spatiotemporal_mask(batch, leads, patches, lead_fraction, patch_fraction, device)


def patch_mask(
    batch: int, leads: int, patches: int, fraction: float, device: torch.device | str
) -> PatchMask:
    """Hide ``round(fraction * N)`` patches of every lead (time mask)."""
    shown = patches - round(fraction * patches)
    counts = torch.full((batch, leads), shown, device=device)
    return _finish(_place(counts, patches), leads * shown)


def lead_mask(
    batch: int, leads: int, patches: int, fraction: float, device: torch.device | str
) -> PatchMask:
    """Hide ``round(fraction * L)`` entire leads (spatial mask)."""
    shown = leads - round(fraction * leads)
    visible = _visible_leads(batch, leads, shown, device)
    return _finish(visible[..., None].expand(-1, -1, patches), shown * patches)


def spatiotemporal_mask(
    batch: int,
    leads: int,
    patches: int,
    lead_fraction: float,
    fraction: float,
    device: torch.device | str,
) -> PatchMask:
    """Hide entire leads, then patches of the others: ``round(fraction * L * N)`` tokens in total.

    The visible tokens are spread evenly over the visible leads; their counts differ by at most one.

    Raises:
        ValueError: The entire leads already hide more than ``fraction``, or too few patches are hidden
            to satisfy the rule for limb leads.
    """
    shown_leads = leads - round(lead_fraction * leads)
    shown = leads * patches - round(fraction * leads * patches)
    if shown > shown_leads * patches:
        raise ValueError(
            f"Hiding {lead_fraction} of the leads hides more than {fraction} of the tokens."
        )
    each, extra = divmod(shown, shown_leads)
    uneven = max(0, extra - (shown_leads - LIMB_LEADS))
    if shown_leads >= LIMB_LEADS and each + uneven > patches:
        raise ValueError(f"{shown} of {leads} x {patches} tokens cannot be shown leak-free.")
    visible = _visible_leads(batch, leads, shown_leads, device)
    # Chest leads take the remainder first, because limb leads with equal counts always fit.
    luck = torch.rand(batch, leads, device=device)
    luck[:, LIMB_LEADS:] += 1
    luck = torch.where(visible, luck, -1.0)
    counts = (each + (_rank(-luck) < extra).long()) * visible
    return _finish(_place(counts, patches), shown)


def _visible_leads(batch: int, leads: int, shown: int, device: torch.device | str) -> Tensor:
    """Choose ``shown`` leads per sample, with zero, one or all of the limb leads: ``[B, L]``."""
    limb = min(LIMB_LEADS, leads)
    chest = leads - limb
    options = [n for n in (0, 1, limb) if 0 <= shown - n <= chest]
    if not options:
        raise ValueError(
            f"No choice of {shown} of {leads} leads shows none, one or all {limb} limb leads."
        )
    # The table is computed on the device, because a tensor from a list would be copied to it.
    choice = torch.randint(len(options), (batch, 1), device=device)
    limb_shown = torch.zeros_like(choice)
    for position, option in enumerate(options):
        limb_shown = torch.where(choice == position, option, limb_shown)
    limb_visible = _rank(torch.rand(batch, limb, device=device)) < limb_shown
    chest_visible = _rank(torch.rand(batch, chest, device=device)) < shown - limb_shown
    return torch.cat([limb_visible, chest_visible], dim=1)


def _place(counts: Tensor, patches: int) -> Tensor:
    """Choose the patches that each lead shows: counts ``[B, L]`` to bool ``[B, L, N]``."""
    batch, leads = counts.shape
    limb = min(LIMB_LEADS, leads)
    chest_rank = _rank(torch.rand(batch, leads - limb, patches, device=counts.device))
    chest = chest_rank < counts[:, limb:, None]
    return torch.cat([_place_limb(counts[:, :limb], patches), chest], dim=1)


def _place_limb(counts: Tensor, patches: int) -> Tensor:
    """Choose the patches of the limb leads: at each time zero, one or all of them are visible.

    The times are shuffled. The first ``together`` times show all leads, and each later time shows one
    lead. ``together`` is the smallest possible number: 6 k + singles = total and
    k + singles <= N give k >= (total - N) / 5.
    """
    batch, limb = counts.shape
    total = counts.sum(1, keepdim=True)
    if limb > 1:
        together = torch.div(total - patches + limb - 2, limb - 1, rounding_mode="floor")
    else:
        together = torch.zeros_like(total)
    # The total exceeds N only if all limb leads are visible; otherwise no time shows them together.
    together = together.clamp(min=0).minimum(counts.min(1, keepdim=True).values)
    alone = counts - together
    ends = together + alone.cumsum(1)
    starts = ends - alone
    order = _rank(torch.rand(batch, patches, device=counts.device))[:, None, :]
    own = (order >= starts[..., None]) & (order < ends[..., None])
    return own | (order < together[..., None])


def _rank(values: Tensor) -> Tensor:
    """Rank of each value in ascending order along the last axis."""
    return values.argsort(-1).argsort(-1)


def _finish(visible: Tensor, shown: int) -> PatchMask:
    hidden = ~visible.flatten(1)
    order = hidden.to(torch.uint8).argsort(dim=1, stable=True)
    return PatchMask(hidden, order[:, :shown])
