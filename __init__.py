"""DEIG for ComfyUI: instance control by text for Stable Diffusion 1.x."""

WEB_DIRECTORY = "web"


async def comfy_entrypoint():
    from .nodes import DeigExtension

    return DeigExtension()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
