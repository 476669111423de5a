"""Where labelled pictures come from.

A *container* (folder, tar, zip) yields picture files; a *source* gives each of them a label, from
its name or from a manifest. ``registry.open_source`` chooses both. Nothing is ever unpacked.
"""
