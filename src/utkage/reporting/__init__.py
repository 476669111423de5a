"""What reports of every kind are made of: figures and pages."""
