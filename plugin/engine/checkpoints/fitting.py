"""Whether a checkpoint belongs to a model."""
import re
from collections.abc import Mapping

from torch import Tensor, nn

from plugin.utils import UserError

# the last layers of the heads, and how many classes their rows stand for
ROWS_OF_CLASSES = ((r'decode_head\.', 0), (r'\.conv_logits\.', 0), (r'\.fc_cls\.', -1))


def check_fits(state_dict: Mapping[str, Tensor], model: nn.Module, name: str, *,
               buffers: bool = True, cure: str = 'use the config it was trained with') -> None:
    """Compare the weights of a checkpoint with a model, by name and shape.

    Args:
        state_dict (Mapping): The weights of the checkpoint.
        model (nn.Module): The model that is to load them.
        name (str): Name of the checkpoint in messages.
        buffers (bool): Whether what is not learned has to fit as well. Defaults to True.
        cure (str): What the messages end with.

    Raises:
        UserError: If the model has other classes or layers, or the checkpoint
            lacks weights.
    """
    wanted: dict[str, Tensor] = model.state_dict()
    if not buffers:
        learned = {key for key, _ in model.named_parameters()}
        wanted = {key: value for key, value in wanted.items() if key in learned}
    given = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    other = [key for key, value in wanted.items()
             if key in given and given[key].shape != value.shape]
    for key in other:
        more = _more_rows_than_classes(key)
        if more is not None and given[key].shape[1:] == wanted[key].shape[1:]:
            raise UserError(f'{name} was trained for {len(given[key]) + more} classes, but the '
                            f'config has {len(wanted[key]) + more} ({key}); {cure}')
    if other:
        raise UserError(f'{other[0]} is {tuple(given[other[0]].shape)} in {name} and '
                        f'{tuple(wanted[other[0]].shape)} in the model; {cure}')
    # heads that only help the training are not needed any more
    missing = [key for key in wanted if key not in given and not key.startswith('auxiliary_head')
               and not key.endswith('num_batches_tracked')]
    if missing:
        raise UserError(f'{name} lacks {len(missing)} of the {len(wanted)} weights of the model, '
                        f'e.g. {missing[0]}; {cure}')


def _more_rows_than_classes(key: str) -> int | None:
    """What to add to the rows of a weight to get the classes; None if they are no classes."""
    return next((more for pattern, more in ROWS_OF_CLASSES if re.search(pattern, key)), None)
