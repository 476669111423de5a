"""``predict`` on a Ray cluster: manifests, parts of the work, their workers and their output."""
