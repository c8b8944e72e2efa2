"""A training that watches itself: its losses, its weights, and what it has learned."""
