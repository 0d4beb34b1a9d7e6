"""Regions worked out for a part of a picture: windows, and the cells that each region owns."""
