"""Parts of a data set that share no group: splits, folds, partitions, published lists."""
