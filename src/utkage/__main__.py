"""``python -m utkage``."""

from utkage.cli.app import main

if __name__ == "__main__":
    main()
