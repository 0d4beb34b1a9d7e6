"""The demo's world of shapes: drawing it, judging it, and training the tiny models that the pack carries."""
