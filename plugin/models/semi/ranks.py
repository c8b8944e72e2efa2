"""Which ranks of a class make a pixel a negative of that class."""

from plugin.utils import UserError


def default_ranks(num_classes: int) -> tuple[int, int]:
    """The ranks of U2PL, or fitting ones where the classes are few.

    Args:
        num_classes (int): Number of classes ``C``, at least 2.

    Returns:
        tuple[int, int]: ``(low, high)``; (3, 20) from 20 classes on, as in Y. Wang et al.,
        `U2PL <https://arxiv.org/abs/2203.03884>`_, section 4.1; below that ``high = C`` and
        ``low = C // 4`` within 1..3, so that two classes have (1, 2).

    Raises:
        UserError: If there are fewer than two classes.

    Example:
        >>> default_ranks(21), default_ranks(8), default_ranks(2)
        ((3, 20), (2, 8), (1, 2))
    """
    if num_classes < 2:
        raise UserError(f'{num_classes} class leaves nothing to contrast it with; name at least '
                        'two, e.g. the animals and the ground')
    return min(max(num_classes // 4, 1), 3), min(num_classes, 20)


def check_ranks(low: int, high: int, num_classes: int) -> None:
    """Raise ``UserError`` for ranks with which no pixel could ever be a negative.

    An unlabelled pixel is a negative of a class that has the rank ``low <= rank < high`` there,
    a labelled one of another class that has ``rank < low``; rank 0 is the likeliest class
    (U2PL, eq. 14 and 15).

    Args:
        low (int): ``r_l`` of the paper.
        high (int): ``r_h`` of the paper; above ``num_classes`` it means no limit.
        num_classes (int): Number of classes ``C``.

    Raises:
        UserError: If the range is empty or holds rank 0.
    """
    default = default_ranks(num_classes)
    if low < 1:
        raise UserError(f'ranks=({low}, {high}) would make a pixel a negative of the class it '
                        f'most likely has; begin at 1 or more, e.g. ranks={default}')
    if low >= min(high, num_classes):
        raise UserError(f'ranks=({low}, {high}) hold no rank of {num_classes} classes, which have '
                        f'ranks 0..{num_classes - 1}, so nothing would be learned; use '
                        f'ranks={default} or leave ranks out')
