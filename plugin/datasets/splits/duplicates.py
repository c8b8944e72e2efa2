"""Where the near-duplicates of a division are."""
from collections.abc import Sequence

from plugin.utils import first_few
from plugin.utils.console import say

# a set of duplicates of more than this share of all images is often one camera
LARGE_SET = 0.1
SHOWN = 20  # sets of duplicates


def report_duplicates(duplicates: Sequence[int], names: Sequence[str], parts: Sequence[str],
                      mode: str) -> None:
    """Print which images are near-duplicates, and in which parts they are.

    Args:
        duplicates (Sequence[int]): For each of N images the number of its set.
        names (Sequence[str]): The N images.
        parts (Sequence[str]): The part of each.
        mode (str): ``together``, or ``report`` for those in different parts only.
    """
    sets: dict[int, list[int]] = {}
    for place, label in enumerate(duplicates):
        sets.setdefault(label, []).append(place)
    several = [places for places in sets.values() if len(places) > 1]
    where = 'kept on one side'
    if mode == 'report':
        several = [places for places in several if len({parts[k] for k in places}) > 1]
        where = 'on different sides'
    say(f'near-duplicates {where}: {sum(map(len, several))} images in {len(several)} sets')
    for places in sorted(several, key=len, reverse=True)[:SHOWN]:
        say(f'  {first_few([f"{names[k]} ({parts[k]})" for k in places])}')
    if len(several) > SHOWN:
        say(f'  and {len(several) - SHOWN} smaller sets')
    largest = max(map(len, several), default=0)
    if mode == 'together' and largest > max(2, LARGE_SET * len(names)):
        say(f'the largest set holds {largest} of {len(names)} images, perhaps all of one '
            'camera that stands still: a lower --distance links fewer')
