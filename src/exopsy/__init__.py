"""Reads the evidence of a Microsoft Exchange server and says whether it was broken into.

The one public entry point is :func:`exopsy.api.examine`, also reachable as ``exopsy.examine``.
Nothing is imported until it is used, so that ``exopsy --help`` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exopsy.api import examine

__version__ = "0.1.0"
__all__ = ["__version__", "examine"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type of a module attribute
    """Import the library's entry point on first use."""
    if name == "examine":
        from exopsy.api import examine

        return examine
    raise AttributeError(f"module 'exopsy' has no attribute {name!r}")
