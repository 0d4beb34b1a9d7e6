"""DEIG (Detail-Enhanced Instance Generation) in plain torch: the method, readable beside the paper, without ComfyUI."""
