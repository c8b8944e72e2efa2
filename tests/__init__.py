"""Tests, which mirror the folders of the project."""
