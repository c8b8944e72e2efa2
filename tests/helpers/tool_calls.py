"""Calls programs of tools/ in this process."""
import importlib


def call_tool(name: str, *words) -> int:
    """Call ``main`` of a program of tools/ or tools/data; gives its exit status."""
    try:
        return importlib.import_module(name).main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code
