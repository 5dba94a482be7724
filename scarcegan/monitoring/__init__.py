"""Watching: how far a snapshot has moved from the one the champion was trained on, and what follows from it."""
