"""Checkpoints: read without running code, written whole, found again."""
