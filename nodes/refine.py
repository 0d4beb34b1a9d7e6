"""Small regions drawn again, larger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from comfy_api.latest import io

from ..deig_core.errors import RegionError
from ..deig_core.layout.layout import Layout
from ..deig_core.layout.masks import PIXELS_PER_LATENT, mask_cells
from ..deig_core.layout.refine import Part, blend, resized, small_parts, soft_mask
from ..deig_core.layout.window import crop_document
from ..deig_core.regions.document import Region, RegionDocument
from ..deig_core.regions.rules import prompt_before
from ..deig_core.text.grounded import OFFICIAL_NEGATIVE, GroundedText, Sides, ground_texts
from ..deig_core.text.tokens import text_notes
from .host.conditioning import part_of_picture, with_deig
from .host.message import say
from .host.patchers import HostedTextEncoder
from .host.refining import SAMPLERS, SCHEDULERS, Sampling, progress, redraw
from .host.sampling import settings_of
from .sockets import Regions, TextEncoder, schema, share

NONE = "No region is smaller than {} pixels: the picture is as it was."
WHOLE_PICTURE = (
    "DEIG Refine Regions got a conditioning with {}, which belongs to the whole picture and not to a part of it: "
    "connect the conditionings as CLIP Text Encode gives them."
)
NO_REGIONS = "The model reads no regions, so that the picture is as it was: connect the model of Apply DEIG."
SHUT = "Apply DEIG's strength is 0, at which no region acts, and the picture is as it was: choose more, such as 1."
AS_IT_WAS = "Nothing is drawn again at denoise 0, and the picture is as it was: choose more, such as 0.6."


class DeigRefineRegions(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGRefineRegions",
            display_name="DEIG Refine Regions",
            description="Draws small regions again, each enlarged to the size that the model knows, with its own "
            "description and what its neighbours show there, and blends them into the picture.",
            search_aliases=["detailer", "face detailer", "small faces", "inpaint crop", "hires regions", "adetailer"],
            inputs=[
                io.Image.Input(
                    "image",
                    tooltip="The picture, or a batch of them; its size may differ from the one "
                    "that the regions were drawn on.",
                ),
                io.Model.Input("model", tooltip="The model with Apply DEIG in it."),
                io.Vae.Input("vae", tooltip="The VAE of the model."),
                TextEncoder.Input("text_encoder", tooltip="From Load DEIG Text Encoder."),
                Regions.Input("regions", tooltip="The regions that the picture was made with."),
                io.Int.Input(
                    "smaller_than",
                    default=192,
                    min=8,
                    max=4096,
                    step=8,
                    tooltip="Regions whose longer side is below this many pixels of the picture are drawn again.",
                ),
                io.Int.Input(
                    "size",
                    default=512,
                    min=64,
                    max=2048,
                    step=8,
                    tooltip="Pixels of the longer side that a part is drawn at: what the model was trained on.",
                ),
                io.Float.Input(
                    "context",
                    default=2.0,
                    min=1.0,
                    max=8.0,
                    step=0.1,
                    tooltip="How much of the picture around a region the model sees, as a multiple of its longer side.",
                ),
                io.Int.Input(
                    "feather",
                    default=8,
                    min=0,
                    max=256,
                    tooltip="Pixels of the picture over which the new region fades into the old picture.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="Of the noise; each region has its own.",
                ),
                io.Int.Input("steps", default=20, min=1, max=10000, tooltip="Steps of the sampler for each region."),
                io.Float.Input("cfg", default=7.5, min=0.0, max=100.0, step=0.1, tooltip="Guidance, as in KSampler."),
                io.Combo.Input("sampler_name", options=SAMPLERS, tooltip="As in KSampler."),
                io.Combo.Input("scheduler", options=SCHEDULERS, tooltip="As in KSampler."),
                share("denoise", 0.6, "How much of a region is drawn anew: 1 keeps nothing of it."),
                io.String.Input(
                    "prompt",
                    default="",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="Said of every part before the descriptions of its regions, such as a style. Descriptions "
                    "need not be repeated here.",
                ),
                io.String.Input(
                    "negative_prompt",
                    default=OFFICIAL_NEGATIVE,
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="What no part should be, as in DEIG Encode.",
                ),
                io.Conditioning.Input(
                    "positive",
                    optional=True,
                    tooltip="A CLIP conditioning, as in DEIG Encode, for the contexts clip and concat.",
                ),
                io.Conditioning.Input("negative", optional=True, tooltip="A CLIP conditioning for the negative side."),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The picture with the small regions drawn again."),
                io.Mask.Output(display_name="mask", tooltip="Where it was drawn again, white."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image,
        model,
        vae,
        text_encoder: HostedTextEncoder,
        regions: RegionDocument,
        smaller_than,
        size,
        context,
        feather,
        seed,
        steps,
        cfg,
        sampler_name,
        scheduler,
        denoise,
        prompt,
        negative_prompt,
        positive=None,
        negative=None,
    ):
        if image.ndim != 4 or image.shape[-1] not in (3, 4):
            raise RegionError(
                f"DEIG Refine Regions needs pictures [count, height, width, 3]; got the shape {list(image.shape)}."
            )
        settings = settings_of(model)  # none of them such as with Apply DEIG bypassed, to compare
        as_it_was = [
            *([NO_REGIONS] if settings is None else [] if settings.schedule.strength else [SHUT]),
            *([AS_IT_WAS] if denoise == 0 else []),
        ]
        if as_it_was:
            return io.NodeOutput(image, torch.zeros(image.shape[:3]), ui=say(cls, as_it_was))
        for conditioning in (positive, negative):
            if name := part_of_picture(conditioning):
                raise RegionError(WHOLE_PICTURE.format(name))
        image, masks = image.clone(), torch.zeros(image.shape[:3])
        height, width = image.shape[1:3]
        frames = [_at(replace(regions, width=width, height=height), frame) for frame in range(len(image))]
        found = [small_parts(document, smaller_than, context, feather, size) for document in frames]
        parts = [(frame, part) for frame, (small, _) in enumerate(found) for part in small]
        callback = progress(steps * len(parts))
        for frame, part in parts:
            said = _said(frames[frame], part, prompt, negative_prompt, text_encoder)
            where, taken = (m[part.rows, part.columns] for m in soft_mask(frames[frame], part.region, feather))
            latent = tuple(side // PIXELS_PER_LATENT for side in part.size)
            old = image[frame, part.rows, part.columns, :3]
            new = redraw(
                model,
                vae,
                resized(old.movedim(-1, 0)[None], part.size).movedim(1, -1),
                with_deig(positive, said.positive, said.nothing),
                with_deig(negative, said.negative, said.nothing),
                mask_cells(where, latent, latent).float(),
                Sampling((seed + part.region) % 2**64, steps, cfg, sampler_name, scheduler, denoise),
                callback,
            )
            blend(old.movedim(-1, 0), new[0].movedim(-1, 0), taken)
            drawn = masks[frame, part.rows, part.columns]
            torch.maximum(drawn, taken, out=drawn)
        numbers = ", ".join(dict.fromkeys(str(part.region + 1) for _, part in parts))
        notes = list(dict.fromkeys(note for _, said in found for note in said))
        if parts:
            notes.insert(0, f"Drawn again: region {numbers}.")
            notes += _typed_notes(prompt, negative_prompt, text_encoder)
        return io.NodeOutput(image, masks, ui=say(cls, notes or [NONE.format(smaller_than)]) or None)


def _at(document: RegionDocument, frame: int) -> RegionDocument:
    return replace(document, regions=tuple(region.at(frame) for region in document.regions))


def _typed_notes(prompt: str, negative_prompt: str, text_encoder: HostedTextEncoder) -> list[str]:
    """On what was typed here; DEIG Encode says what there is to say of the descriptions."""
    typed = (("The prompt", prompt.strip()), ("The negative prompt", negative_prompt.strip()))
    return [note for name, text in typed if text for note in text_notes(name, text, text_encoder.look(text))]


def _said(
    document: RegionDocument, part: Part, prompt: str, negative_prompt: str, text_encoder: HostedTextEncoder
) -> Sides:
    """What the part says: the regions that have a pixel in it, and `prompt` before their descriptions."""
    piece, places = _piece(document, part)
    said = ground_texts(
        piece,
        prompt_before(prompt, piece),
        negative_prompt,
        text_encoder.encode,
        text_encoder.look,
        unwritten={OFFICIAL_NEGATIVE},
        asker="DEIG Refine Regions",
    )
    return replace(said, positive=_placed(said.positive, places), negative=_placed(said.negative, places))


def _piece(document: RegionDocument, part: Part) -> tuple[RegionDocument, list[int]]:
    """The document of the part, and where its regions stand in the whole one."""

    def cropped(regions: tuple[Region, ...]) -> RegionDocument:
        return crop_document(replace(document, regions=regions), part.left, part.top, part.width, part.height)

    shown = [(i, r) for i, region in enumerate(document.regions) for r in cropped((region,)).regions]
    return replace(cropped(()), regions=tuple(r for _, r in shown)), [i for i, _ in shown]


def _placed(text: GroundedText, places: Sequence[int]) -> GroundedText:
    """With its regions' places in the whole document, by which a run calls them."""
    layout = text.layout
    return replace(text, layout=Layout(layout.regions, tuple(places[i] for i in layout.indices), layout.overlap))
