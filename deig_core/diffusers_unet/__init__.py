"""The adapter in a plain diffusers UNet, for inference without ComfyUI."""
