"""Which patches of an ECG a masked model hides.

The six limb leads are linear combinations of two (III = II - I, aVR = -(I + II) / 2,
aVL = I - II / 2, aVF = II - I / 2), and any two of them give the other four. A hidden limb patch
beside two visible ones of the same time is therefore no secret. So at every time a mask shows none,
one or all six of the limb leads: with none or one nothing can be worked out, with six nothing is
hidden. The masks below keep that rule and exact counts, so that every sample of a batch has equally
many visible tokens and tensors stay rectangular.

All randomness comes from torch's generator on ``device``; no function waits for the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LIMB_LEADS = 6
"""The limb leads are the first six of ``ecgbench.data.leads.LEADS``."""


@dataclass(frozen=True)
class PatchMask:
    """A mask over the tokens of a batch; token ``lead * patches + patch`` of each sample.

    Attributes:
        hidden: bool ``[B, L * N]``, True where a token is hidden.
        visible_index: int64 ``[B, V]``, ascending.
        hidden_index: int64 ``[B, L * N - V]``, ascending.
    """

    hidden: Tensor
    visible_index: Tensor
    hidden_index: Tensor


def random_mask(
    batch: int,
    leads: int,
    patches: int,
    *,
    lead_fraction: float,
    patch_fraction: float,
    device: torch.device | str,
) -> PatchMask:
    """Hide along either axis or both, by the two fractions that a method's config names.

    Args:
        batch: Samples, B.
        leads: L; the first six are the limb leads.
        patches: Patches per lead, N.
        lead_fraction: Share of the leads that are hidden whole; 0 for none.
        patch_fraction: Share of ALL tokens that are hidden; 0 for no more than the leads.
        device: Where the mask lives and the randomness comes from.
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
    """Hide ``round(fraction * L)`` leads whole (spatial mask)."""
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
    """Hide whole leads, then patches of the others, ``round(fraction * L * N)`` tokens in all.

    The visible tokens are shared evenly among the visible leads: their counts differ by one at most.

    Raises:
        ValueError: The whole leads alone hide more than ``fraction``, or so few patches are hidden
            that the rule of the limb leads cannot be kept.
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
    # Chest leads take what is left over first: limb leads of equal counts fit any number of times.
    luck = torch.rand(batch, leads, device=device)
    luck[:, LIMB_LEADS:] += 1
    luck = torch.where(visible, luck, -1.0)
    counts = (each + (_rank(-luck) < extra).long()) * visible
    return _finish(_place(counts, patches), shown)


def _visible_leads(batch: int, leads: int, shown: int, device: torch.device | str) -> Tensor:
    """Choose ``shown`` leads a sample, among them none, one or all of the limb leads: ``[B, L]``."""
    limb = min(LIMB_LEADS, leads)
    chest = leads - limb
    options = [n for n in (0, 1, limb) if 0 <= shown - n <= chest]
    if not options:
        raise ValueError(
            f"No choice of {shown} of {leads} leads shows none, one or all {limb} limb leads."
        )
    # The table is built by arithmetic on the device: a tensor of a list would be copied to it.
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
    """Choose the limb leads' patches: at each time none, one or all of them is visible.

    Times are shuffled; the first ``together`` of them show all leads, each later one belongs to one
    lead alone. ``together`` is the fewest with which everything fits: 6 k + singles = total and
    k + singles <= N give k >= (total - N) / 5.
    """
    batch, limb = counts.shape
    total = counts.sum(1, keepdim=True)
    if limb > 1:
        together = torch.div(total - patches + limb - 2, limb - 1, rounding_mode="floor")
    else:
        together = torch.zeros_like(total)
    # Only when all limb leads are visible can the total pass N; else nothing is shown together.
    together = together.clamp(min=0).minimum(counts.min(1, keepdim=True).values)
    alone = counts - together
    ends = together + alone.cumsum(1)
    starts = ends - alone
    order = _rank(torch.rand(batch, patches, device=counts.device))[:, None, :]
    own = (order >= starts[..., None]) & (order < ends[..., None])
    return own | (order < together[..., None])


def _rank(values: Tensor) -> Tensor:
    """The place of each value in the ascending order of its last axis."""
    return values.argsort(-1).argsort(-1)


def _finish(visible: Tensor, shown: int) -> PatchMask:
    hidden = ~visible.flatten(1)
    order = hidden.to(torch.uint8).argsort(dim=1, stable=True)
    return PatchMask(hidden, order[:, :shown], order[:, shown:])
