"""The three jointly trained models of the description that this project grew from."""
