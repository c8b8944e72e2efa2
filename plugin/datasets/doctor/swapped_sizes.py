"""What is said of an image whose width and height are exchanged in a file of outlines."""


def told_swapped(name: str, size: tuple[int, ...], drawn: tuple[int, ...],
                 is_turned: bool) -> tuple[str, str]:
    """Fault and cure.

    Args:
        name (str): The image.
        size (tuple[int, int]): H, W as it is loaded.
        drawn (tuple[int, int]): H, W in the file of outlines: the same, exchanged.
        is_turned (bool): Whether EXIF turns the image when it is loaded.
    """
    turns = 'EXIF turns it when it is loaded, and ' if is_turned else ''
    fault = (f'image {name} is {size[1]}x{size[0]} as loaded (width x height): {turns}its width '
             f'and height are swapped in the file of outlines, {drawn[1]}x{drawn[0]}')
    cure = ('exchange them if the outlines fit the image as it is shown, which `pasture convert '
            'coco` does where that is certain (python tools/data/coco_to_coco.py)')
    if is_turned:
        cure += ('; if they fit the image as stored, take the orientation out of it, as by '
                 'exiftool -n -Orientation=1')
    return fault, cure
