"""A training that goes on under another config than that of its checkpoint."""
