"""What the pack's errors are called in the page.

The host names an error's type by its module, which for a pack is the path of its folder.
"""

from __future__ import annotations

from ...deig_core.errors import DeigError


def name_errors() -> None:
    for error in (DeigError, *DeigError.__subclasses__()):
        error.__module__ = "DEIG"
