"""Surnames: did fixing the PyTorch character-RNN tutorial help? A reproducible study."""
