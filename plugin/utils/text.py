"""Words for messages."""
from collections.abc import Sequence


def first_few(names: Sequence[str], number: int = 5) -> str:
    """Join the first ``number`` names for an error message, and say how many there are."""
    shown = ', '.join(names[:number])
    return shown if len(names) <= number else f'{shown}, ... ({len(names)} in all)'
