"""Pseudo-labels in the log: their statistics, drawings of them, and an alarm if they collapse."""
