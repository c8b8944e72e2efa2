"""Three images with an animal of its own colour each, to be pasted into crowds."""
import json
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = [(250, 40, 40), (40, 250, 40), (40, 40, 250)]


def write_herd(root: Path) -> Path:
    """Write grey images with an animal each; the first one has another, cut by the border."""
    (root / 'images').mkdir()
    images, annotations = [], []
    for number, colour in enumerate(COLOURS, start=1):
        pixels = np.full((120, 160, 3), 128, np.uint8)
        boxes = [(30, 30, 60, 40)] + ([(0, 90, 20, 20)] if number == 1 else [])
        for x, y, width, height in boxes:
            pixels[y:y + height, x:x + width] = colour
            annotations.append(dict(
                id=len(annotations) + 1, image_id=number, category_id=number, iscrowd=0,
                bbox=[x, y, width, height], area=width * height,
                segmentation=[[x, y, x + width, y, x + width, y + height, x, y + height]]))
        Image.fromarray(pixels).save(root / f'images/{number}.png')
        images.append(dict(id=number, file_name=f'{number}.png', width=160, height=120))
    content = dict(images=images, annotations=annotations, categories=[
        dict(id=number, name=name) for number, name in enumerate(('red', 'green', 'blue'), 1)])
    (root / 'test.json').write_text(json.dumps(content))
    return root
