"""A config becomes a training, a test, K folds or a sheet of samples."""
