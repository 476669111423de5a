"""One function a command: from a frozen configuration to a frozen result."""
