"""Mutate COCO files and hold every reader of them against the others.

    python benchmarks/fuzz_coco.py 2000 --seed 0

Of each file: nothing raises anything but a sentence for the user; what one tool accepts, all
accept; what the doctor calls free of errors is trained on, scored, split and drawn as LabelMe, with
the same areas on the way back; and the converter loses no annotation without its name.
"""
import argparse
import copy
import json
import logging
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from plugin.datasets.cattle import CattleDataset  # noqa: E402
from plugin.datasets.doctor import examine_path  # noqa: E402
from plugin.datasets.labels import LabelsError, convert, to_labelme  # noqa: E402
from plugin.datasets.labels.coco_file import read_coco  # noqa: E402
from plugin.datasets.labels.polygons import mask_to_rle  # noqa: E402
from plugin.datasets.splits import split  # noqa: E402
from plugin.evaluation.coco_results import read_truth  # noqa: E402
from plugin.utils import UserError  # noqa: E402
from plugin.utils.text import brief, printable  # noqa: E402

HEIGHT, WIDTH = 60, 80
JUNK = [None, True, -1, 0, 7, 0.5, 1e300, float('nan'), float('inf'), '', 'x', '7', [], {}, [[]],
        [1], {'a': 1}, 10 ** 400, '\x1b[2J', 'a' * 300, [[1, 2, 3]], [['a'] * 6]]


def sound(draw: random.Random) -> dict:
    """A COCO file without fault: polygons, parts, rings, run lengths, crowds."""
    names = ['a b/cow 1.png', 'kuh ä.png', 'two.png', 'empty.png']
    images = [dict(id=number, file_name=name, height=HEIGHT, width=WIDTH)
              for number, name in enumerate(names, start=1)]
    annotations = []
    for number in range(1, 10):
        left, top = draw.randrange(0, 40), draw.randrange(0, 20)
        width, height = draw.randrange(4, 30), draw.randrange(4, 30)
        ring = [left, top, left + width, top, left + width, top + height, left, top + height]
        segmentation: list | dict = [ring]
        kind = draw.randrange(5)
        if kind == 0:
            segmentation = [ring, [2, 55, 9, 55, 9, 59, 2, 59]]
        elif kind == 1:
            segmentation = [ring, [left + 1, top + 1, left + 3, top + 1, left + 3, top + 3]]
        elif kind == 2:
            mask = np.zeros((HEIGHT, WIDTH), np.uint8)
            mask[top:top + height, left:left + width] = 1
            mask[top + 1:top + 2, left + 1:left + 2] = draw.randrange(2)
            segmentation = mask_to_rle(mask)
        annotations.append(dict(
            id=number, image_id=draw.randrange(1, 4), category_id=draw.choice([3, 7]), tag=number,
            segmentation=segmentation, bbox=[left, top, width, height], area=width * height,
            iscrowd=int(draw.random() < 0.1)))
    return dict(images=images, annotations=annotations, categories=[
        dict(id=3, name='cow'), dict(id=7, name='calf', supercategory='herd')])


def _any(content: dict, draw: random.Random) -> None:
    entry = draw.choice(draw.choice(list(content.values())))
    entry[draw.choice([key for key in entry if key != 'tag'])] = copy.deepcopy(draw.choice(JUNK))


def _remove(content: dict, draw: random.Random) -> None:
    entry = draw.choice(draw.choice(list(content.values())))
    entry.pop(draw.choice([key for key in entry if key != 'tag']))


def _texts(content: dict, draw: random.Random) -> None:
    key = draw.choice(['image_id', 'category_id', 'id'])
    for one in content['annotations']:
        one[key] = str(one[key])


def _twice(content: dict, draw: random.Random) -> None:
    part = draw.choice(list(content))
    one, other = draw.sample(content[part], 2)
    key = draw.choice([key for key in ('id', 'file_name', 'name') if key in one])
    one[key] = other[key]


def _orphan(content: dict, draw: random.Random) -> None:
    draw.choice(content['annotations'])[draw.choice(['image_id', 'category_id'])] = 99


def _form(content: dict, draw: random.Random) -> None:
    one = draw.choice(content['annotations'])
    rings = one['segmentation']
    if isinstance(rings, dict):
        one['segmentation'] = draw.choice([
            [rings], json.dumps(rings), dict(rings, counts=repr(rings['counts'].encode())),
            dict(counts=rings['counts']), dict(rings, counts=rings['counts'][:-2]),
            dict(rings, size=[WIDTH, HEIGHT])])
    else:
        pairs = np.reshape(rings[0], (-1, 2)).tolist()
        one['segmentation'] = draw.choice([
            rings[0], pairs, [pairs], json.dumps(rings), [list(map(str, rings[0]))],
            [*rings, [1, 2]], [*rings, [1, 2, 3, 4]], [*rings, [1, 2, 3]], [rings[0][:4]],
            [[*rings[0][:2], *reversed(rings[0][2:])]], [[value + 70 for value in rings[0]]]])


def _name(content: dict, draw: random.Random) -> None:
    style = draw.choice(['images\\{}', 'C:\\data\\{}', '/data/{}', 'a/b/{}', 'http://x/u/1/{}',
                         './{}', '../{}'])
    for image in content['images']:
        image['file_name'] = style.format(image['file_name'])


def _size(content: dict, draw: random.Random) -> None:
    image = draw.choice(content['images'])
    image['height'], image['width'] = draw.choice([(WIDTH, HEIGHT), (str(HEIGHT), str(WIDTH)),
                                                   (HEIGHT + 1, WIDTH), (0, 0), (60.0, 80.0)])


def _crowd(content: dict, draw: random.Random) -> None:
    draw.choice(content['annotations'])['iscrowd'] = draw.choice(['0', '1', True, None, 2, 'true'])


def _category(content: dict, draw: random.Random) -> None:
    content['categories'].append(draw.choice([
        dict(id=0, name='herd'), dict(id=9, name='COW '), dict(id=9, name='pig'),
        dict(id='3', name='cow'), dict(id=3, name='pig'), dict(name='pig')]))


MUTATIONS = (_any, _remove, _texts, _twice, _orphan, _form, _form, _name, _size, _crowd, _category)
ENCODINGS = ('utf-8', 'utf-8', 'utf-8', 'utf-8-sig', 'utf-16', 'cp1252')


def mutated(draw: random.Random) -> tuple[bytes, dict, list[str]]:
    """A file, its content and the names of what was done to it."""
    content, done = sound(draw), []
    for _ in range(draw.choice([0, 1, 1, 1, 2, 3])):
        change = draw.choice(MUTATIONS)
        try:
            change(content, draw)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            continue  # what it changes is no longer there
        done.append(change.__name__)
    text = json.dumps(content, ensure_ascii=False)
    encoding = draw.choice(ENCODINGS)
    try:
        return text.encode(encoding), content, [*done, encoding]
    except UnicodeEncodeError:
        return text.encode(), content, done


def write_images(folder: Path) -> None:
    """The images that the files name."""
    noise = np.random.default_rng(0)
    for image in sound(random.Random(0))['images']:
        path = folder / image['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(256, size=(HEIGHT, WIDTH, 3), dtype=np.uint8)).save(path)


def attempt(step) -> str:
    """What a step says when it refuses; '' if it does not. All else is raised."""
    try:
        step()
    except (OSError, UserError) as error:
        return str(error)
    return ''


def try_file(path: Path, folder: Path, out: Path) -> dict[str, str]:
    """What each reader says of a file, '' for nothing."""
    def dataset() -> None:
        coco = read_coco(str(path))
        loaded = CattleDataset(ann_file=str(path), data_prefix=dict(img=str(folder)),
                               metainfo=dict(classes=tuple(coco.categories)), pipeline=[],
                               serialize_data=False)
        assert len(loaded) == len(coco.images)

    def doctor() -> None:
        report = examine_path(path, folder)
        errors = [one for one in report.findings if one.severity == 'error']
        if errors:
            raise UserError(errors[0].message)

    return dict(
        reader=attempt(lambda: read_coco(str(path))), dataset=attempt(dataset),
        metric=attempt(lambda: read_truth(str(path))),
        split=attempt(lambda: split(path, val=0.5, duplicates='ignore', out_dir=out / 'split',
                                    overwrite=True)),
        labelme=attempt(lambda: to_labelme(path, out / 'labelme', images=folder)),
        doctor=attempt(doctor))


def disagreements(said: dict[str, str]) -> list[str]:
    """Readers of which one accepts what another refuses."""
    refused = {name for name, text in said.items() if text}
    found = []
    core = {'reader', 'dataset', 'metric', 'split'}
    if refused & core not in (set(), core):
        found.append(f'only {sorted(refused & core)} refuse: {said}')
    # the images decide for these two as well
    if core <= refused and not {'doctor', 'labelme'} <= refused:
        found.append(f'{sorted({"doctor", "labelme"} - refused)} accept what others refuse: {said}')
    if 'doctor' not in refused and refused:
        found.append(f'the doctor finds no error, but {said}')
    return found


def areas(path: Path) -> Counter:
    """Of a COCO file, how often each area occurs, by image, class and crowd."""
    coco = read_coco(str(path))
    names = {number: name for name, number in coco.categories.items()}
    return Counter((image['file_name'], names[one['category_id']], int(one.get('iscrowd', 0)),
                    one['area']) for image in coco.images for one in coco.annotations[image['id']])


def lost_unnamed(content: dict, path: Path, findings: list) -> list:
    """Annotations that are not in the converted file, and that no finding names."""
    kept = {one.get('tag') for one in json.loads(path.read_text('utf-8'))['annotations']
            } if path.is_file() else set()
    files = {str(image.get('id')): printable(str(image.get('file_name')))
             for image in content['images'] if isinstance(image, dict)}
    losses = [f'{one.file} {one.shape} {one.reason}' for one in findings
              if one.action in ('dropped', 'left out')]
    lost = []
    for one in content['annotations']:
        number = brief(one['id']) if 'id' in one else ''
        name = files.get(str(one.get('image_id')))
        if one.get('tag') not in kept and not any(
                f'annotation {number}' in text or name and name in text for text in losses):
            lost.append(one)
    return lost


def check(data: bytes, content: dict, folder: Path, out: Path) -> list[str]:
    """All that is wrong with how one file is read."""
    path = out / 'data.json'
    path.write_bytes(data)
    said = try_file(path, folder, out)
    found = disagreements(said)
    done, findings = None, []
    try:
        done = convert('coco', path, out / 'mended.json', images=folder)
        findings = done.findings
    except LabelsError as error:
        findings = error.findings
    except (OSError, UserError) as error:
        found.append(f'the converter says {error}')
    lost = lost_unnamed(content, out / 'mended.json', findings)
    if lost:
        found.append(f'lost without a name: {lost}')
    if done is not None:
        again = try_file(out / 'mended.json', folder, out / 'again')
        found += [f'mended, and still {name}: {text}' for name, text in again.items()
                  # a single image that is left cannot be divided
                  if text and 'cannot fill' not in text]
        if not any(again.values()):
            back = convert('labelme', out / 'again/labelme', out / 'back.json', images=folder)
            # what the way back leaves out, it names
            losses = [one for one in back.findings if one.action == 'dropped']
            before, after = areas(out / 'mended.json'), areas(back.path)
            if after - before or (before - after).total() != len(losses):
                found.append(f'areas {before - after} became {after - before}')
    return found


def run(number: int, seed: int, seconds: float = float('inf'), first: int = 0
        ) -> tuple[int, dict[str, list[str]]]:
    """Check files from the first one on; returns how many, and what is wrong by their names."""
    bad: dict[str, list[str]] = {}
    end = time.monotonic() + seconds
    done = 0
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / 'images'
        write_images(folder)
        for place in range(first, first + number):
            if time.monotonic() > end:
                break
            data, content, changes = mutated(random.Random(f'{seed} {place}'))
            with tempfile.TemporaryDirectory(dir=root) as out:
                try:
                    found = check(data, content, folder, Path(out))
                except Exception:  # what a user would see as a traceback
                    found = [traceback.format_exc(limit=-4)]
            if found:
                bad[f'{seed} {place} {changes}'] = found
            done += 1
    return done, bad


def main() -> int:
    """Check files, and print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('number', type=int)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--first', type=int, default=0, help='so that several can share a number')
    parser.add_argument('--seconds', type=float, default=float('inf'))
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    start = time.monotonic()
    done, bad = run(args.number, args.seed, args.seconds, args.first)
    for name, found in bad.items():
        print(name, *found, sep='\n  ')
    print(f'{done} files in {time.monotonic() - start:.0f} s, {len(bad)} of them wrong')
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())
