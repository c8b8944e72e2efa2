"""Training on K folds of the data."""
