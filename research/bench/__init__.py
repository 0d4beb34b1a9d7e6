"""Speed that can be shown: `python dev.py bench` runs this, `python -m deig_core.bench` runs it without ComfyUI."""
