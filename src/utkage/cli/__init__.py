"""The command line: parses, calls one workflow, presents. Only this room imports Typer and rich."""
