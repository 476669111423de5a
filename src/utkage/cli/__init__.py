"""The command line: parses, calls one workflow, presents. Only it knows Typer and rich."""
