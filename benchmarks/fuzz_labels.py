"""Damage labels at random, and look whether a converter crashes, or loses an animal silently.

    python benchmarks/fuzz_labels.py 20000 --seed 1

Each file of LabelMe, VIA, CVAT and YOLO gets a few changes: of bytes, of numbers, of words, of
parts that are doubled or taken away. A fault is a traceback; an animal that is drawn in the
damaged file, is not in the COCO file, and is not told of; or a COCO file that the loader of the
training refuses, or that loses animals on the way to LabelMe and back.
"""
import argparse
import json
import random
import re
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from plugin.datasets.labels import LabelsError, convert, to_labelme
from plugin.datasets.labels.coco_file import read_coco
from plugin.datasets.labels.regions import KEY
from plugin.utils import UserError

SIZE = 60, 40
RINGS = ([(3, 4), (20, 4), (20, 18), (3, 18)], [(30, 5), (50, 8), (44, 30)],
         [(5, 25), (25, 22), (28, 38), (9, 36)])
WORDS = ['nan', 'Infinity', '1e400', '-7', '1e9', '0', '""', 'null', '[]', '{}', 'true', '"12"',
         '\x00', '\ufeff', '牛', '\x1b[2J', 'a.jpg', '../a.png', 'point', 'rotation', ',', ';',
         '\n', ' ', '<!--', '&x;', '"', "'", '9' * 400]


def labelme() -> str:
    """A LabelMe file with three animals."""
    shapes = [dict(label='cow', points=[[x, y] for x, y in ring], group_id=None, description='',
                   shape_type='polygon', flags={}) for ring in RINGS]
    return json.dumps(dict(version='5.5.0', flags={}, shapes=shapes, imagePath='a.png',
                           imageData=None, imageHeight=SIZE[1], imageWidth=SIZE[0]))


def via() -> str:
    """An export of VIA with three animals."""
    regions = [dict(shape_attributes=dict(name='polygon', all_points_x=[x for x, _ in ring],
                                          all_points_y=[y for _, y in ring]),
                    region_attributes=dict(kind='cow')) for ring in RINGS]
    return json.dumps({'a.png9': dict(filename='a.png', size=9, regions=regions,
                                      file_attributes={})})


def cvat() -> str:
    """An export of CVAT with three animals."""
    rows = ''.join(f'<polygon label="cow" points="{";".join(f"{x},{y}" for x, y in ring)}"/>'
                   for ring in RINGS)
    return (f'<annotations><image id="0" name="a.png" width="{SIZE[0]}" height="{SIZE[1]}">'
            f'{rows}</image></annotations>')


def yolo() -> str:
    """Rows of YOLO with three animals."""
    return ''.join('0 ' + ' '.join(f'{x / SIZE[0]:.4f} {y / SIZE[1]:.4f}' for x, y in ring) + '\n'
                   for ring in RINGS)


KINDS: dict[str, tuple[str, Callable[[], str]]] = dict(
    labelme=('a.json', labelme), via=('via.json', via), cvat=('a.xml', cvat), yolo=('a.txt', yolo))


def _nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every place (container, key) in a JSON value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) \
        if isinstance(value, list) else ()
    return [place for key in list(keys) for place in [(value, key), *_nodes(value[key])]]


def _changed(content: str, draw: random.Random) -> str:
    """A JSON text or XML with one value that is replaced, doubled or taken away."""
    if not content.startswith('{"'):
        # a number of a row or an attribute
        places = [found.span() for found in re.finditer(r'[\w.]+', content)]
        start, stop = draw.choice(places or [(0, 0)])
        return content[:start] + draw.choice(WORDS) + content[stop:]
    value = json.loads(content)
    nodes = _nodes(value)
    if not nodes:
        return content
    box, key = draw.choice(nodes)
    others = [None, True, 5, -3.5, 1e999, 'cow', '12', [], {}, [[1, 2]], 10 ** 400,
              draw.choice([one[other] for one, other in nodes])]
    if draw.random() < 0.2:
        del box[key]
    elif draw.random() < 0.2 and isinstance(box, list):
        box.insert(key, box[key])
    else:
        box[key] = json.loads(json.dumps(draw.choice(others)))
    return json.dumps(value)


def damaged(content: str, draw: random.Random) -> bytes:
    """A text with one to three random changes, of values or of bytes."""
    if draw.random() < 0.7:
        for _ in range(draw.randint(1, 3)):
            content = _changed(content, draw)
        return content.encode()
    data = content.encode()
    for _ in range(draw.randint(1, 3)):
        start = draw.randrange(len(data) + 1)
        stop = min(len(data), start + draw.choice([0, 1, 1, 2, 5, 20, 80]))
        new = draw.choice([
            b'', bytes(draw.randrange(256) for _ in range(draw.randint(1, 3))),
            draw.choice(WORDS).encode(), data[start:stop] * 2,
            data[(place := draw.randrange(len(data) + 1)):place + 15]])
        data = data[:start] + new + data[stop:]
    return data


def drawn(kind: str, data: bytes) -> int | None:
    """How many shapes a damaged file still holds for a plain reader; None if it has none."""
    try:
        if kind == 'cvat':
            return sum(len(image) for image in ET.fromstring(data).iter('image'))
        if kind == 'yolo':
            return sum(bool(row.strip()) for row in data.decode().splitlines())
        content: Any = json.loads(data.decode())
        if kind == 'labelme':
            return len(content['shapes'])
        return sum(len(entry['regions']) for entry in content.values())
    except (AttributeError, KeyError, LookupError, RecursionError, TypeError, ValueError,
            ET.ParseError):
        return None


def fault_of(kind: str, data: bytes, folder: Path) -> tuple[str, str]:
    """What became of a damaged file, and what is wrong with that; '' if nothing is.

    Args:
        kind (str): The format.
        data (bytes): The file.
        folder (Path): Holds the image ``a.png``; the file is written into it.
    """
    name, out = KINDS[kind][0], folder.parent / 'out.json'
    (folder / name).write_bytes(data)
    out.unlink(missing_ok=True)
    try:
        done = convert(kind, folder, out, name='cow', names='cow' if kind == 'yolo' else None)
    except LabelsError as error:
        told = any(one.file.startswith(name) for one in error.findings)
        return 'refused', '' if told else f'{name} is not among the findings: {error}'
    except (OSError, UserError) as error:
        return 'refused', '' if name in str(error) or str(folder) in str(error) else str(error)
    except Exception as error:  # a traceback is what is looked for
        return 'traceback', f'{type(error).__name__}: {error}'
    finally:
        (folder / name).unlink()
    return 'taken', _silent_loss(kind, data, name, done) or _refused_elsewhere(out, folder)


def _silent_loss(kind: str, data: bytes, name: str, done: Any) -> str:
    there, taken = drawn(kind, data), sum(done.instances.values())
    told = [one for one in done.findings if one.file.startswith(name)]
    if there is None:
        return '' if told else f'{name} cannot be read and is not told of'
    lost = there - taken
    dropped = sum(len(one.shape.split(', ')) for one in told if one.action == 'dropped')
    if lost > dropped and not any(one.action in ('left out', 'mended', 'merged') or
                                  'group' in one.reason for one in told):
        return f'{there} were drawn, {taken} are taken, {dropped} dropped'
    return ''


def _refused_elsewhere(out: Path, folder: Path) -> str:
    """What the loader, or the way to LabelMe and back, makes of a COCO file that was written."""
    back = folder.parent / 'back'
    try:
        entries = json.loads(out.read_text(encoding='utf-8'))['annotations']
        read_coco(str(out))
        to_labelme(out, back, images=folder, overwrite=True)
        again = convert('labelme', back, folder.parent / 'again.json', images=folder,
                        name='cow', overwrite=True)
    except (OSError, UserError) as error:
        return f'another tool refuses what was written: {error}'
    # a region to ignore has an entry for each class
    before = (sum(not one['iscrowd'] for one in entries),
              len({one[KEY] for one in entries if KEY in one}))
    after = sum(again.instances.values()), again.regions
    return '' if before == after else (f'{before} animals and regions to ignore became {after} by '
                                       'way of LabelMe')


def fuzz(number: int, seed: int = 0, seconds: float = 1e9) -> tuple[Counter, list[str]]:
    """Damage files of each format in turn.

    Args:
        number (int): Files.
        seed (int): Of the changes.
        seconds (float): Stop after these.

    Returns:
        tuple: How many files were taken, refused, or made a traceback, and the faults.
    """
    counts: Counter = Counter()
    faults = []
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / 'set'
        folder.mkdir()
        Image.new('RGB', SIZE).save(folder / 'a.png')
        for place in range(number):
            if time.monotonic() > end:
                break
            kind = [*KINDS][place % len(KINDS)]
            data = damaged(KINDS[kind][1](), random.Random(f'{seed} {place}'))
            result, fault = fault_of(kind, data, folder)
            counts[f'{kind} {result}'] += 1
            if fault:
                faults.append(f'{seed} {place} {kind}: {fault}')
    return counts, faults


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('number', type=int, help='files to damage')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--seconds', type=float, default=1e9, help='stop after these')
    args = parser.parse_args(argv)
    start = time.monotonic()
    counts, faults = fuzz(args.number, args.seed, args.seconds)
    for line in [*faults[:20], *(f'{name:20s}{count:8d}' for name, count in sorted(counts.items())),
                 f'{sum(counts.values())} files in {time.monotonic() - start:.0f} s, '
                 f'{len(faults)} faults']:
        print(line)
    return bool(faults)


if __name__ == '__main__':
    sys.exit(main())
