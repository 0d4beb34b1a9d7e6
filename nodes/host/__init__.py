"""The only place that knows ComfyUI's insides."""
