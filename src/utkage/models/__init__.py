"""Networks, their registry, and the files that weights live in."""
