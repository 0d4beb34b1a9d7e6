"""A tiny model with a world of its own: shapes with colours, patterns and outlines, for a first run without a
download.
"""
