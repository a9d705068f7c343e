"""One file for each family of architectures; `networks/lookup.py` finds them by name."""
