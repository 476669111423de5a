"""Coverings and unusual looks painted on faces, and the classifier that is fitted to them."""
