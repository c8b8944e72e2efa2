"""The images of a training set that are labelled, and the others, written as two lists or files."""
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmseg.registry import DATASETS

from plugin.utils import UserError, atomic_path, first_few

from ..doctor.class_counts import count_pixels, outline_pixels
from ..labels.coco_file import read_coco
from ..unlabeled import UnlabeledDataset
from .coco_split import image_features, take_images
from .labeled_images import choose_labeled, labeled_number
from .published_lists import bare_name, check_published, check_rest, match_names, read_names

SIDES = ('labeled', 'unlabeled')
# what a choice makes alike: classes and their areas, or also how many instances there are
BALANCES = ('classes', 'instances')
# of the number of instances against each other feature: a wrong mean is seen first
TOTAL_WEIGHT = 8.0


class TrainingSet(NamedTuple):
    """A training set of N images.

    Attributes:
        names (list[str]): Bare names of lists, or file names of a COCO file.
        classes (list[str]): The C classes.
        pixels (np.ndarray, optional): (N, C) pixels of each class; None without labels.
        content (dict, optional): The COCO file.
    """

    names: list[str]
    classes: list[str]
    pixels: np.ndarray | None
    content: dict | None = None

    @property
    def counts(self) -> np.ndarray | None:
        """(N, F) the numbers of instances of a COCO file: all of each image, then more."""
        # the first column says that each image is one
        return None if self.content is None else image_features(self.content)[:, 1:]


class Partition(NamedTuple):
    """What :func:`partition` wrote.

    Attributes:
        out (Path): The folder.
        files (list[str]): Names of the files in it.
        labeled (list[str]): Names of the labelled images.
        unlabeled (list[str]): Names of the others.
        classes (list[str]): The C classes; empty without labels.
        labeled_pixels (np.ndarray, optional): (L, C) pixels of each class in the labelled images.
        pixels (np.ndarray, optional): (N, C) likewise of all images; None without labels.
        title (str): What the published list is; '' without one.
        labeled_instances (int, optional): Instances in the labelled images, without crowds; None
            for what is no COCO file.
        instances (int, optional): Likewise in all images.
    """

    out: Path
    files: list[str]
    labeled: list[str]
    unlabeled: list[str]
    classes: list[str]
    labeled_pixels: np.ndarray | None
    pixels: np.ndarray | None
    title: str
    labeled_instances: int | None = None
    instances: int | None = None


def partition(source: str | Path, out: str | Path, *, ratio: str | None = None,
              number: int | None = None, published: str | Path | None = None,
              balance: str = 'classes', seed: int = 0, labels: str | Path | None = None,
              classes: Sequence[str] | None = None, image_suffix: str | None = None,
              label_suffix: str = '.png', overwrite: bool = False, jobs: int = 1) -> Partition:
    """Choose the images of a training set that are labelled; the others count as unlabelled.

    Writes ``labeled.txt`` and ``unlabeled.txt``, one name a line; for a COCO file
    ``labeled.json``, ``unlabeled.json`` and ``unlabeled.txt``. The choice shows every class where
    that is possible, and is alike to the whole set. All files are written, or none.

    Args:
        source (str | Path): The training set: a folder of images, a list of names (``.txt``), or a
            COCO file (``.json``).
        out (str | Path): Folder to write to.
        ratio (str, optional): Share of labelled images, as ``1/8``, rounded up.
        number (int, optional): Their number instead; with ``published``, how many it must have.
        published (str | Path, optional): Take the images of this list instead; an
            ``unlabeled.txt`` beside it must name all others.
        balance (str): What is to be alike in the labelled images and all: ``'classes'``, which
            ones images show and their areas, or ``'instances'``, also how many instances of each,
            for models that count; this takes a COCO file. Defaults to 'classes'.
        seed (int): Another seed, another choice.
        labels (str | Path, optional): Folder of the label maps, for all that is not COCO; may be
            left out with ``published``.
        classes (Sequence[str], optional): Names of the classes, or a type of data set that knows
            them, as ``['CamVidDataset']``.
        image_suffix (str, optional): What to take off the file names of images. Defaults to None:
            ``.jpg``, ``.png``, ...
        label_suffix (str): What to put behind the names of labels. Defaults to '.png'.
        overwrite (bool): Replace an earlier partition.
        jobs (int): Threads that read label maps.

    Returns:
        Partition: What was written.

    Raises:
        OSError: If a file is missing, or must not be replaced.
        UserError: If an argument is wrong, a label map malformed, or the list does not fit the set.

    Example:
        >>> from plugin.datasets.splits import partition
        >>> done = partition('data/barn/images/train', 'partition', number=2,
        ...                  labels='data/barn/labels/train')
        >>> len(done.labeled), done.files
        (2, ['labeled.txt', 'unlabeled.txt'])
    """
    source, out = Path(source), Path(out)
    listed = None if published is None else Path(published)
    if (ratio is not None) + (listed is not None or number is not None) != 1:
        raise UserError('give one of --ratio 1/8, --number 92, --list FILE')
    _check_balance(balance, source, listed)
    _check_targets(out, [source, *([listed] if listed else [])], overwrite)
    if source.suffix == '.json':
        whole = _read_coco_set(source)
    elif labels is None and listed is None:
        raise UserError('without labels nobody knows which images show which class: give '
                        '--labels, the folder of the label maps')
    else:
        whole = _read_maps(_listed(source, image_suffix), None if labels is None else Path(labels),
                           classes, label_suffix, jobs)
    title, counts = '', whole.counts
    if listed is not None:
        chosen, title = _chosen_by_list(listed, whole.names, number, image_suffix)
    else:
        assert whole.pixels is not None  # of a set without labels a list says what is labelled
        chosen = choose_labeled(whole.names, whole.pixels,
                                labeled_number(len(whole.names), ratio, number), seed,
                                _weighted(counts) if balance == 'instances' else None)
    texts = _texts(whole, chosen)
    _write_all(out, texts)
    return Partition(
        out, list(texts), _taken(whole.names, chosen), _taken(whole.names, ~chosen), whole.classes,
        None if whole.pixels is None else whole.pixels[chosen], whole.pixels, title,
        None if counts is None else int(counts[chosen, 0].sum()),
        None if counts is None else int(counts[:, 0].sum()))


def _check_balance(balance: str, source: Path, listed: Path | None) -> None:
    """Stop where a choice cannot be balanced in this way."""
    if balance not in BALANCES:
        raise UserError(f'balance={balance!r} is none of {", ".join(BALANCES)}')
    if balance == 'instances' and listed is not None:
        raise UserError(f'--balance instances chooses images, and {listed} names them: give one '
                        'of both')
    if balance == 'instances' and source.suffix != '.json':
        raise UserError(f'--balance instances counts the outlines of a COCO file, and {source} is '
                        'none: give the .json file, or leave --balance out')


def _weighted(counts: np.ndarray | None) -> np.ndarray | None:
    """Features of which the first, all instances of an image, weighs more."""
    # what is w times as large counts w times in chi-square
    return None if counts is None else np.column_stack([TOTAL_WEIGHT * counts[:, 0], counts[:, 1:]])


def _read_coco_set(path: Path) -> TrainingSet:
    """Read a training set with outlines."""
    coco = read_coco(str(path), absent=f'{path} is no file: give the COCO file that a '
                     'converter of tools/data wrote')
    names = [image['file_name'] for image in coco.images]
    return TrainingSet(names, ['background', *coco.categories], outline_pixels(coco), coco.content)


def _listed(source: Path, image_suffix: str | None) -> list[str]:
    """Names of the images of a folder, sorted, or of a list."""
    if not source.is_dir():
        return [bare_name(name, image_suffix) for name in read_names(source)]
    images = UnlabeledDataset(data_prefix=dict(img_path=str(source)), img_suffix=image_suffix)
    names = [bare_name(Path(image['img_path']).relative_to(source).as_posix(), image_suffix)
             for image in images]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f'images of {source} share the name {twice[0]}: rename or remove '
                        'one of them')
    return names


def _read_maps(names: list[str], labels: Path | None, classes: Sequence[str] | None,
               label_suffix: str, jobs: int) -> TrainingSet:
    """Count the pixels of all label maps, if there are any."""
    if labels is None:
        return TrainingSet(names, [], None)
    counts = count_pixels([labels / f'{name}{label_suffix}' for name in names], jobs)
    # 255 is no class
    found = 1 + int(np.flatnonzero(counts[:, :255].any(0)).max(initial=-1))
    titles = class_names(classes, found)
    if found > len(titles):
        raise UserError(f'label id {found - 1} occurs in {labels}, and there are '
                        f'{len(titles)} classes: complete --classes, or set the pixels of no '
                        'class to 255')
    return TrainingSet(names, titles, counts[:, :len(titles)])


def class_names(given: Sequence[str] | None, found: int) -> list[str]:
    """Names of the classes; their ids where nobody knows them.

    Args:
        given (Sequence[str], optional): The names, or one type of data set, which may know them.
        found (int): Number of ids that occur.
    """
    kind = DATASETS.get(given[0]) if given and len(given) == 1 else None
    known = kind.METAINFO.get('classes') if kind else given
    return list(known) if known else [str(k) for k in range(found)]


def _chosen_by_list(listed: Path, names: Sequence[str], number: int | None,
                    image_suffix: str | None) -> tuple[np.ndarray, str]:
    """Which images a published list names, (N, ) bool, and what it is; it must fit the set."""
    lines = read_names(listed)
    title = check_published(len(lines), len(names), number)
    labeled = set(match_names(lines, names, image_suffix))
    rest = listed.with_name('unlabeled.txt')
    if rest != listed and rest.is_file():
        check_rest(rest, labeled, names, image_suffix)
    return np.array([name in labeled for name in names]), title


def _taken(names: Sequence[str], chosen: np.ndarray) -> list[str]:
    return [name for name, taken in zip(names, chosen, strict=True) if taken]


def _texts(whole: TrainingSet, chosen: np.ndarray) -> dict[str, str]:
    """Content of the files by their names."""
    sides = dict(zip(SIDES, (chosen, ~chosen), strict=True))
    lists = {f'{side}.txt': '\n'.join(_taken(whole.names, taken)) + '\n'
             for side, taken in sides.items()}
    if whole.content is None:
        return lists
    # ASCII only: half a surrogate pair, as in some file names, is no UTF-8
    files = {f'{side}.json': json.dumps(take_images(whole.content, taken))
             for side, taken in sides.items()}
    return {**files, 'unlabeled.txt': lists['unlabeled.txt']}


def _check_targets(out: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Stop before a file is replaced that should stay."""
    targets = [out / f'{side}{end}' for side in SIDES for end in ('.json', '.txt')]
    if {target.resolve() for target in targets} & {path.resolve() for path in inputs}:
        raise FileExistsError(f'{out} holds the input under the name of a result: give '
                              'another --out')
    existing = [str(target) for target in targets if target.exists()]
    if existing and not overwrite:
        raise FileExistsError(f'{first_few(existing)} exists: give another --out, or --overwrite '
                              'to replace it')


def _write_all(folder: Path, contents: dict[str, str]) -> None:
    """Write files, all of them or none."""
    with ExitStack() as stack:
        # files get their names when the stack is left, after the last one is written
        for name, text in contents.items():
            temporary = stack.enter_context(atomic_path(folder / name))
            temporary.write_text(text, encoding='utf-8')
