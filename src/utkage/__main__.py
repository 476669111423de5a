"""The process ``utkage``, or ``python -m utkage``."""

import signal


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    # Ctrl-C prints no traceback while the rest is imported.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from utkage.cli.process import run_command

    run_command()


if __name__ == "__main__":
    main()
