"""Settings of a training method, checked against those that it knows."""
from typing import Any

from plugin.utils import UserError


def merge_settings(defaults: dict[str, Any], given: dict | None, name: str) -> dict[str, Any]:
    """Settings of a config over their defaults; an unknown one is an error."""
    unknown = sorted(set(given or {}) - set(defaults))
    if unknown:
        raise UserError(f'{name} has no setting {", ".join(unknown)}: it has '
                        f'{", ".join(defaults)}')
    return {**defaults, **(given or {})}
