"""COCO files of any tool: read for what they mean for certain, and told of what was mended."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plugin.utils import UserError, first_few
from plugin.utils.text import brief, is_name

from .coco_builder import CocoBuilder
from .coco_images import FoundImage, find_images
from .coco_outlines import id_key, joined_fault, read_annotation
from .coco_remarks import grouping_categories
from .image_finder import ImageFinder
from .image_folders import Folders
from .json_file import JsonFault, decode_guessed
from .label_files import ReadOptions, label_files
from .regions import IGNORE, is_region, region_number
from .shapes import Shape, label_key

CROWDS = ('keep', 'single')


def read(sources: Sequence[Path], builder: CocoBuilder, options: ReadOptions) -> None:
    """Read COCO files, and those of folders and their sub-folders, into one.

    Every mending goes into the report of the builder, with the image and the annotation.

    Raises:
        FileNotFoundError: If there is no file.
        UserError: If ``options.crowds`` is unknown.
    """
    if options.crowds not in (None, *CROWDS):
        raise UserError(f'crowds={options.crowds!r} is none of {", ".join(CROWDS)}')
    finder = ImageFinder()
    for path in label_files(sources, '.json', options.skip):
        content = _content(path, builder, finder, options)
        if content is not None:
            _Reader(path.name, content, builder, options).read(
                find_images(path, content['images'], builder, finder, options.search))


def _content(path: Path, builder: CocoBuilder, finder: ImageFinder,
             options: ReadOptions) -> dict[str, Any] | None:
    """The lists of a COCO file; None, and a finding, if it is none."""
    def names_are_found(content: Any) -> bool:
        entries = content.get('images') if isinstance(content, dict) else None
        names = [str(entry.get('file_name')) for entry in entries or ()
                 if isinstance(entry, dict)]
        folders = [*options.search, path.parent, path.parent / 'images']
        return all(finder.find(name, Folders(folders)).path for name in names if not name.isascii())

    try:
        content, encoding = decode_guessed(path.read_bytes(), names_are_found)
    except JsonFault as error:
        builder.report(path.name, 'left out', str(error))
        return None
    except OSError as error:
        builder.report(path.name, 'left out', f'it cannot be read ({error.strerror})')
        return None
    if not isinstance(content, dict) or not isinstance(content.get('images'), list):
        builder.report(path.name, 'left out', 'it has no list of images, so that it is no COCO '
                       'file: move it away')
        return None
    if encoding:
        builder.report(path.name, 'mended', f'it is no UTF-8 and was read as {encoding}: look at '
                       'the names of the categories')
    found: dict[str, Any] = dict(content)
    for part in ('images', 'annotations', 'categories'):
        entries = content.get(part)
        if not isinstance(entries, list):
            builder.report(path.name, 'mended', f'it has no list of {part}: taken as empty')
            entries = []
        odd = [place for place, entry in enumerate(entries) if not isinstance(entry, dict)]
        for place in odd:
            builder.report(path.name, 'dropped', f'it is {brief(entries[place])} and no entry',
                           f'{part}[{place}]')
        found[part] = [entry for entry in entries if isinstance(entry, dict)]
    return found


class _Reader:
    """Reads one file, whose images are found.

    Args:
        file (str): Its name, for messages.
        content (dict): Its lists of entries.
        builder (CocoBuilder): Takes images, annotations and findings.
        options (ReadOptions): What the user asked for.
    """

    def __init__(self, file: str, content: dict[str, Any], builder: CocoBuilder,
                 options: ReadOptions) -> None:
        self.file, self.content = file, content
        self.builder, self.options = builder, options
        self.names = self._categories()

    def read(self, images: Sequence[FoundImage]) -> None:
        """Give every annotation to its image, and both to the builder."""
        self._tell_of_ids()
        self.builder.keep({key: value for key, value in self.content.items()
                           if key in ('info', 'licenses')})
        by_image: dict[Any, list[tuple[int, dict]]] = defaultdict(list)
        for place, one in enumerate(self.content['annotations']):
            by_image[id_key(one.get('image_id'))].append((place, one))
        owners: dict[Any, list[FoundImage]] = defaultdict(list)
        places: dict[Path | None, list[FoundImage]] = defaultdict(list)
        for image in images:
            owners[id_key(image.entry.get('id'))].append(image)
            places[image.path].append(image)
        self._drop_orphans(by_image, owners)
        done: set[Path | None] = set()
        for image in images:
            alike = owners[id_key(image.entry.get('id'))]
            if len({one.path for one in alike}) > 1 or id_key(image.entry.get('id')) is None:
                self._leave_out(image, by_image.get(id_key(image.entry.get('id')), []))
            elif image.path is None:
                self._lose(f'{self.file}: {image.name}',
                           by_image.get(id_key(image.entry.get('id')), []))
            elif image.path not in done:
                done.add(image.path)
                keys = list(dict.fromkeys(
                    id_key(one.entry.get('id')) for one in places[image.path]))
                self._read_image(image, [one for key in keys for one in by_image.get(key, ())],
                                 len(places[image.path]))

    def _read_image(self, image: FoundImage, annotations: list[tuple[int, dict]],
                    entries: int) -> None:
        source = f'{self.file}: {image.name}'
        if entries > 1:
            self.builder.report(source, 'merged', f'{entries} entries are this image: their '
                                'annotations are put together')
        size = image.measure(source, [one for _, one in annotations], self.builder)
        if size is None:
            self._lose(source, annotations)
            return
        shapes: list[Shape] = []
        seen: set[str] = set()
        regions: set[int | None] = set()
        for place, one in annotations:
            # a region has an entry for each category
            if region_number(one) in regions:
                continue
            regions.update({region_number(one)} - {None})
            name = f'annotation {brief(one["id"]) if "id" in one else f"[{place}]"}'
            label, fault = self._label(one)
            drawn = read_annotation(one, label, (size.height, size.width), name, place,
                                    self.options.crowds == 'single',
                                    lambda shape, action, reason: self.builder.report(
                                        source, action, reason, shape))
            if fault:
                drawn = joined_fault(drawn, fault, name, (size.height, size.width))
            content = repr([(label_key(label), shape.outline, shape.iscrowd) for shape in drawn])
            if drawn and content in seen:
                self.builder.report(source, 'dropped', 'it is drawn twice, point by point', name)
                continue
            seen.add(content)
            shapes += drawn
        self.builder.add(size, shapes, union=True, extra=image.extra)

    def _label(self, one: dict) -> tuple[str, str]:
        """The class of an annotation, or ``ignore`` and why nothing says it."""
        if region_number(one) is not None:
            return IGNORE, ''
        key = id_key(one.get('category_id'))
        found = self.names.get(key, [])
        if len({label_key(label) for label in found}) == 1:
            return found[0], ''
        if self.options.name is not None:
            return self.options.name, ''
        # some tools write the name where COCO has the id
        named = [label for labels in self.names.values() for label in labels
                 if isinstance(key, str) and label_key(label) == label_key(key)]
        if named:
            return named[0], ''
        why = (f'{brief(one.get("category_id"))} is {" and ".join(found)}' if found else
               f'there is no category {brief(one.get("category_id"))}')
        return IGNORE, (f'its class is unknown, {why}: correct its category_id, or name all by '
                        '--as')

    def _categories(self) -> dict[Any, list[str]]:
        """Names by id; what is declared becomes a class even if no animal is of it."""
        names: dict[Any, list[str]] = defaultdict(list)
        entries = []
        for place, entry in enumerate(self.content['categories']):
            if not is_name(entry.get('name')) or id_key(entry.get('id')) is None:
                self.builder.report(self.file, 'dropped', f'it has the id {brief(entry.get("id"))} '
                                    f'and the name {brief(entry.get("name"))}',
                                    f'categories[{place}]')
                continue
            names[id_key(entry['id'])].append(entry['name'])
            entries.append(entry)
        groups = grouping_categories(dict(categories=entries,
                                          annotations=self.content['annotations']))
        for entry in entries:
            if is_region(entry['name']):
                continue
            if entry['name'] in groups:
                self.builder.report(self.file, 'mended', f'the category {entry["name"]} has no '
                                    'annotation and only groups the others: left out')
            else:
                self.builder.declare(entry['name'], extra={
                    key: value for key, value in entry.items() if key not in ('id', 'name')})
        return names

    def _tell_of_ids(self) -> None:
        """Say once which ids were no numbers, or not unique: all are numbered anew."""
        for part in ('images', 'annotations', 'categories'):
            written = [entry.get('id') for entry in self.content[part]]
            keys = [id_key(value) for value in written]
            texts = sum(isinstance(value, str) for value in written)
            absent, twice = keys.count(None), len(keys) - len(set(map(repr, keys)))
            for number, what in ((texts, 'are texts'), (absent, 'are missing'),
                                 (twice, 'occur more than once')):
                if number and (part != 'images' or what == 'are texts'):
                    self.builder.report(self.file, 'mended', f'{number} of the {len(keys)} ids of '
                                        f'its {part} {what}: numbered anew')
        references = sum(isinstance(one.get(key), str) for one in self.content['annotations']
                         for key in ('image_id', 'category_id'))
        if references:
            self.builder.report(self.file, 'mended', f'{references} of the ids in its annotations '
                                'are texts: read as numbers where they are some')
        ids = [id_key(entry.get('id')) for entry in self.content['categories']]
        if ids != list(range(1, len(ids) + 1)):
            self.builder.report(self.file, 'note', f'its categories have the ids '
                                f'{", ".join(map(brief, ids))}: numbered from 1')

    def _drop_orphans(self, by_image: Mapping[Any, list[tuple[int, dict]]],
                      owners: Mapping[Any, Any]) -> None:
        for key, annotations in by_image.items():
            if key is None or key not in owners:
                for place, one in annotations:
                    self.builder.report(self.file, 'dropped', 'it belongs to image '
                                        f'{brief(one.get("image_id"))}, which the file does not '
                                        'have', f'annotation {brief(one.get("id", place))}')

    def _lose(self, source: str, annotations: Sequence[tuple[int, dict]]) -> None:
        """Name the annotations of an image that is left out."""
        if annotations:
            names = [f'annotation {brief(one.get("id", place))}' for place, one in annotations]
            self.builder.report(source, 'left out', f'with it {len(annotations)} of its '
                                f'annotations: {first_few(names, 50)}')

    def _leave_out(self, image: FoundImage, annotations: list[tuple[int, dict]]) -> None:
        why = (f'several images have the id {brief(image.entry.get("id"))}, so that nothing says '
               f'which of them its {len(annotations)} annotations belong to: convert the '
               'files that were put together, both at once')
        if id_key(image.entry.get('id')) is None:
            why = 'it has no id, so that nothing says which annotations it has: export it again'
        self.builder.report(f'{self.file}: {image.name}', 'left out', why)
        self._lose(f'{self.file}: {image.name}', annotations)
