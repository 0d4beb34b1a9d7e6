"""Training on diffusers and accelerate; also how an adapter is attached to a plain diffusers UNet."""
