"""What happens over time."""
from . import hooks  # noqa: F401
