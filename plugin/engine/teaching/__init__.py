"""Observation of a teacher during semi-supervised training."""
