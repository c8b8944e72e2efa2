"""Published weights, turned into those of the networks here."""
