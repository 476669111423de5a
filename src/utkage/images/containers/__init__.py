"""Containers of picture files: folders, and tar and zip archives, which are never unpacked."""
