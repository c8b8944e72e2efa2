"""Training on K folds: how the data are divided, the training of each fold, and joint scores."""
