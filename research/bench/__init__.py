"""Speed that can be shown: `python dev.py bench` runs this, `python -m research.bench` runs it without ComfyUI."""
