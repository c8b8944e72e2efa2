"""Label files with regions to ignore as five tools export them, with their images.

Two images of 96x64 pixels. In ``pen.png`` are a cow and a calf that are outlined, and two regions,
the second of which lies partly under the calf; ``empty.png`` shows no animal.
"""
import json
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 64, 96
COW = [(8, 8), (32, 8), (32, 24), (8, 24)]
CALF = [(56, 32), (80, 32), (80, 48), (56, 48)]
FAR = [(4, 36), (44, 36), (44, 60), (24, 52), (4, 60)]
NEAR = [(64, 20), (92, 20), (92, 40), (64, 40)]
# in the order in which they are drawn, with the labels that people type
DRAWN = (('cow', COW), ('Ignore', FAR), ('calf', CALF), ('ignore', NEAR))
CVAT_HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>12</id>
      <name>barn</name>
      <size>2</size>
      <mode>annotation</mode>
      <overlap>0</overlap>
      <bugtracker></bugtracker>
      <created>2026-05-04 08:11:52.140021+00:00</created>
      <subset>default</subset>
      <start_frame>0</start_frame>
      <stop_frame>1</stop_frame>
      <labels>{}</labels>
      <owner><username>anna</username><email></email></owner>
    </task>
    <dumped>2026-05-04 09:02:11.582233+00:00</dumped>
  </meta>
"""
TOOLS = ('labelme', 'cvat', 'via', 'yolo', 'coco')


def write_images(folder: Path) -> None:
    """Write the images; where nobody outlined anything there is noise as well."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(7)
    for name in ('empty.png', 'pen.png'):
        pixels = noise.integers(256, size=(HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)


def write_labels(tool: str, folder: Path, drawn=DRAWN) -> Path:
    """Write a set as a tool leaves it; returns what is given to the converter."""
    write_images(folder / 'images')
    return WRITERS[tool](folder, drawn)


def _labelme(folder: Path, drawn) -> Path:
    for name, shapes in (('empty', ()), ('pen', drawn)):
        content = {
            'version': '5.5.0', 'flags': {},
            'shapes': [{'label': label, 'points': [[float(x), float(y)] for x, y in points],
                        'group_id': None, 'description': '', 'shape_type': 'polygon', 'flags': {},
                        'mask': None} for label, points in shapes],
            'imagePath': f'{name}.png', 'imageData': None, 'imageHeight': HEIGHT,
            'imageWidth': WIDTH}
        (folder / f'images/{name}.json').write_text(json.dumps(content, indent=2))
    return folder / 'images'


def _cvat(folder: Path, drawn) -> Path:
    labels = ''.join(
        f'<label><name>{name}</name><color>#fa3253</color><type>any</type><attributes>'
        '</attributes></label>' for name in dict.fromkeys(label for label, _ in drawn))
    images = ''
    for number, (name, shapes) in enumerate((('empty', ()), ('pen', drawn))):
        polygons = ''.join(
            f'    <polygon label="{label}" source="manual" occluded="0" points="'
            f'{";".join(f"{x:.2f},{y:.2f}" for x, y in points)}" z_order="0">\n    </polygon>\n'
            for label, points in shapes)
        images += (f'  <image id="{number}" name="{name}.png" width="{WIDTH}" '
                   f'height="{HEIGHT}">\n{polygons}  </image>\n')
    path = folder / 'annotations.xml'
    path.write_text(CVAT_HEAD.format(labels) + f'{images}</annotations>\n', encoding='utf-8')
    return path


def _via(folder: Path, drawn) -> Path:
    options = {label: '' for label, _ in drawn}
    entries = {}
    for name, shapes in (('empty', ()), ('pen', drawn)):
        size = (folder / f'images/{name}.png').stat().st_size
        entries[f'{name}.png{size}'] = dict(
            filename=f'{name}.png', size=size, file_attributes={}, regions=[
                dict(shape_attributes=dict(name='polygon', all_points_x=[x for x, _ in points],
                                           all_points_y=[y for _, y in points]),
                     region_attributes=dict(animal=label)) for label, points in shapes])
    content = dict(
        _via_settings=dict(ui=dict(image=dict(region_label='__via_region_id__')),
                           core=dict(buffer_size='18', filepath={}, default_filepath=''),
                           project=dict(name='barn')),
        _via_img_metadata=entries,
        _via_attributes=dict(region=dict(animal=dict(type='dropdown', description='',
                                                     options=options, default_options={})),
                             file={}),
        _via_data_format_version='2.0.10', _via_image_id_list=list(entries))
    path = folder / 'via_project_4May2026.json'
    path.write_text(json.dumps(content))
    return path


def _yolo(folder: Path, drawn) -> Path:
    names = list(dict.fromkeys(label.lower() for label, _ in drawn))
    rows = [' '.join([str(names.index(label.lower())),
                      *(f'{value:.6f}' for x, y in points for value in (x / WIDTH, y / HEIGHT))])
            for label, points in drawn]
    (folder / 'labels').mkdir()
    (folder / 'labels/pen.txt').write_text('\n'.join(rows) + '\n')
    (folder / 'labels/empty.txt').write_text('')
    (folder / 'data.yaml').write_text(
        f'path: ../barn\ntrain: images\nval: images\n\nnc: {len(names)}\nnames: {names}\n')
    return folder / 'labels'


def _coco(folder: Path, drawn) -> Path:
    names = list(dict.fromkeys(label.lower() for label, _ in drawn))
    annotations = []
    for number, (label, points) in enumerate(drawn, start=1):
        (left, top), (right, bottom) = np.min(points, 0).tolist(), np.max(points, 0).tolist()
        annotations.append(dict(
            id=number, image_id=1, category_id=1 + names.index(label.lower()),
            segmentation=[[float(value) for point in points for value in point]],
            area=float((right - left) * (bottom - top)), iscrowd=0,
            bbox=[left, top, right - left, bottom - top], attributes=dict(occluded=False)))
    content = dict(
        licenses=[dict(name='', id=0, url='')],
        info=dict(contributor='', date_created='', description='', url='', version='', year=''),
        categories=[dict(id=number, name=name, supercategory='')
                    for number, name in enumerate(names, start=1)],
        images=[dict(id=number, width=WIDTH, height=HEIGHT, file_name=f'{name}.png', license=0,
                     flickr_url='', coco_url='', date_captured=0)
                for number, name in ((2, 'empty'), (1, 'pen'))],
        annotations=annotations)
    path = folder / 'instances_default.json'
    path.write_text(json.dumps(content))
    return path


WRITERS = dict(labelme=_labelme, cvat=_cvat, via=_via, yolo=_yolo, coco=_coco)
