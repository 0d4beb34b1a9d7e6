"""Every name under which DEIG keeps something in the host's dictionaries: who writes it, who reads it, and at which
wrapper; and the names that other packs write and it reads there.

The host clones a model's options for every run and merges those of hooks into them. Under the host's own names lie the
`Carrier` that an entry of a conditioning has as `cross_attn`, and the `Follower` that it has under `control`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DEIG = "deig"
"""Of our wrappers and of the adapter among a model's additional models (Apply DEIG); and of the `DeigCond` in an
entry's `model_conds`
(DEIG Encode, then OUTER_SAMPLE), which the host batches and hands to APPLY_MODEL and DIFFUSION_MODEL as the keyword
`deig`.
"""

SETTINGS = "deig_settings"
"""transformer_options: `Settings`. Written by Apply DEIG, read at OUTER_SAMPLE, APPLY_MODEL and DIFFUSION_MODEL, and by
the nodes that need a model with DEIG (`sampling.settings_of`).
"""

LATENT = "deig_latent"
"""transformer_options: (height, width) of the whole latent, where regions act. Written at OUTER_SAMPLE, and at
PREDICT_NOISE for a sampler that resizes the picture; read at PREDICT_NOISE, CALC_COND_BATCH and
DIFFUSION_MODEL.
"""

PLACES = "deig_places"
"""transformer_options, with DEIG Follow Tiles: a `Place` for each picture of the run's batch, or one for all, where the
run's latent is a part of the picture; else (). Written at OUTER_SAMPLE, read at CALC_COND_BATCH and DIFFUSION_MODEL.
"""

TILES = "deig_tiles"
"""transformer_options: a `Place` for each row of a call, or one for all: the part of what the host gave to the call
that another node cut out inside it; None where it did not. Written by the `Follower` when the host or that node asks it
for its control, read at DIFFUSION_MODEL.
"""

REUSE = "deig_reuse"
"""transformer_options: in every how many-th step the fusers run. Written by DEIG Reuse Steps, read at OUTER_SAMPLE."""

KEPT = "deig_kept"
"""transformer_options, with DEIG Reuse Steps: the `Kept` of one sampling run. Written at OUTER_SAMPLE, read at
PREDICT_NOISE and DIFFUSION_MODEL.
"""

IDLE = "deig_idle"
"""transformer_options: the `Idle` of one sampling run. Written at OUTER_SAMPLE, read at DIFFUSION_MODEL."""

ADAPTER = "deig_adapter"
"""transformer_options: the `HostedAdapter` of the patcher that runs the call. Written at APPLY_MODEL, read at
DIFFUSION_MODEL.
"""

WORK = "deig_work"
"""transformer_options: the `BlockWork` of a UNet call. Written at DIFFUSION_MODEL, read in every transformer block."""

DEMO = "deig_demo"
"""Of the wrapper of the demo's trained model (Load DEIG Demo), which says what it knows."""

ATTENTION = "deig_attention"
"""Of the wrappers of a recorded model (DEIG Record Attention)."""

RUN = "deig_attention_run"
"""transformer_options: the `RunMaps` of one sampling run. Written at OUTER_SAMPLE, read at APPLY_MODEL and in the
blocks.
"""

WATCHERS = "deig_watchers"
"""transformer_options: functions of a recorded call that see what each fuser is about to get. Written at
APPLY_MODEL, read at DIFFUSION_MODEL.
"""

TEXTS = "deig_attention_texts"
"""transformer_options: whose text the rows of a recorded call belong to. Written at APPLY_MODEL, read in the blocks."""

INCOMING, READING, BACKGROUND = "deig_incoming", "deig_reading", "deig_background"
"""A node's ui: the boxes that came in, how they were read, and the picture to draw on. Written by DEIG Regions, read by
the page (web/host/results.js).
"""

NOTES = "deig_notes"
"""A node's ui: the sentences that were said at it. Written by `message.say`, read by the page (web/host/said.js)."""

SAID = "deig.said"
"""The event by which the page is told them at once. Sent by `message.say`, heard by web/host/said.js."""


def context_window(options: Mapping[str, Any]) -> Any:
    """The host's own: the window on the latent, along one axis, that a call is of; None without one."""
    return options.get("context_window")


def animated_rows(options: Mapping[str, Any]) -> Sequence[int]:
    """AnimateDiff-Evolved's: which of the run's pictures the rows of a call are; () where it does not say."""
    return options.get("ad_params", {}).get("sub_idxs") or ()
