"""Hostile inputs for the commands, by random but repeatable mutations of valid files."""
