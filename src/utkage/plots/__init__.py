"""Results as pictures. Nothing imports these but workflows that were asked for pictures."""
