"""A trained model on one's own images and videos, what it writes, and its export."""
