"""Seeing which cells looked at which token: recording, and pictures of it."""
