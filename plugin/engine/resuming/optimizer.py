"""The optimizer of a config beside the state of another one."""
from collections.abc import Mapping, Sequence
from typing import Any

# how PyTorch computes, not what
TECHNICAL = {'params', 'foreach', 'fused', 'capturable', 'differentiable', 'maximize'}
# settings that some optimizers have and others do not
KINDS = {'momentum', 'dampening', 'nesterov', 'betas', 'alpha', 'centered', 'rho', 'lr_decay',
         'etas', 'step_sizes', 'lambd', 't0', 'max_iter'}


def unlike(own: str, saved: str | None, groups: Sequence[Mapping[str, Any]],
           saved_groups: Sequence[Mapping[str, Any]]) -> str | None:
    """Why an optimizer cannot take over a state.

    Args:
        own (str): Its type, such as ``AdamW``.
        saved (str, optional): The type of the one that was saved, where that is known.
        groups (Sequence[Mapping]): Its groups of parameters.
        saved_groups (Sequence[Mapping]): Those that were saved.

    Returns:
        str | None: The reason, or None where it can.
    """
    if saved is not None and saved != own:
        return f'is of {saved}, and the config has {own}'
    for group, other in zip(groups, saved_groups):
        if KINDS & {*group} != KINDS & {*other}:
            return f'is not of {own}, which the config has'
    if [len(group['params']) for group in groups] != [len(group['params'])
                                                       for group in saved_groups]:
        return 'divides the parameters in another way (optim_wrapper.paramwise_cfg)'
    return None


def replaced(groups: Sequence[Mapping[str, Any]], saved_groups: Sequence[Mapping[str, Any]]
             ) -> dict[str, tuple[Any, Any]]:
    """Settings of the config that a state replaces.

    Args:
        groups (Sequence[Mapping]): Groups of parameters of the config's optimizer.
        saved_groups (Sequence[Mapping]): Those that were saved.

    Returns:
        dict: ``{name: (of the config, saved)}``, of the first group that differs.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for group, other in zip(groups, saved_groups):
        for name in group:
            if name in TECHNICAL or name.startswith(('initial_', 'max_', 'min_')):
                continue
            # a schedule has changed the value itself
            own, saved = (one.get(f'initial_{name}', one.get(name)) for one in (group, other))
            if name in other and own != saved:
                found.setdefault(name, (own, saved))
    return found
