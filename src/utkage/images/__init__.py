"""From bytes to uint8 RGB and back."""
