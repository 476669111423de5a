"""Writes what the documents take from the code and from the card of the shipped weights."""
