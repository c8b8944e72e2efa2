"""Configs compared as an experiment: their runs, the statistics over the seeds, table and page."""
