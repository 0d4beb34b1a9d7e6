"""Errors that a user reads: one sentence that says what was wrong, what was expected and what to do."""


class DeigError(ValueError):
    """Something the user gave does not fit; the message is meant for them."""


class RegionError(DeigError):
    """A region document, or one of its regions, cannot be used."""


class WeightsError(DeigError):
    """A weights file is not what it was taken for."""
