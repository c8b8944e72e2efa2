"""The files of RunSummaryHook: scores, sheets of predictions, and the gallery of the report."""
