"""Where labelled pictures come from.

A *container* (folder, tar, zip) yields picture files; a *source* gives each of them a label, from
its name or from a manifest. ``open_source`` chooses both. Nothing is ever unpacked.
"""

from utkage.data.sources.base import Entry, Source
from utkage.data.sources.limits import Limits
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source, unique_names

__all__ = ["Entry", "Limits", "Source", "SourceOptions", "open_source", "unique_names"]
