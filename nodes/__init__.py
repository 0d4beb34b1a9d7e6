"""The nodes, a file for each thing that the user does."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension

from .apply import DeigApply
from .attention_maps import DeigAttentionMaps, DeigRecordAttention
from .crop import DeigCropRegions
from .draw import DeigDrawRegions
from .encode import DeigEncode
from .follow import DeigFollowTiles
from .frames import DeigRegionsFromFrames
from .host import folders, names, routes
from .load import DeigLoad, DeigLoadCheckpoint, DeigLoadTextEncoder
from .load_demo import DeigLoadDemo
from .refine import DeigRefineRegions
from .region_mask import DeigRegionMask
from .regions import DeigRegions, DeigRegionsFromBoxes, DeigRegionsFromMasks
from .reuse import DeigReuseSteps
from .to_boxes import DeigRegionsToBoxes

# The oldest supported host does not call on_load.
folders.register()
names.name_errors()
routes.register()


class DeigExtension(ComfyExtension):
    async def get_node_list(self):
        return [
            DeigLoad,
            DeigLoadCheckpoint,
            DeigLoadTextEncoder,
            DeigLoadDemo,
            DeigRegions,
            DeigRegionsFromBoxes,
            DeigRegionsFromMasks,
            DeigRegionsFromFrames,
            DeigCropRegions,
            DeigRegionsToBoxes,
            DeigRegionMask,
            DeigEncode,
            DeigFollowTiles,
            DeigApply,
            DeigReuseSteps,
            DeigRefineRegions,
            DeigDrawRegions,
            DeigRecordAttention,
            DeigAttentionMaps,
        ]
