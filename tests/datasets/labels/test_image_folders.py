"""Where images are looked for."""
from pathlib import Path

from plugin.datasets.labels.image_folders import likely_folders


def test_likely_folders(tmp_path):
    for name in ('labels/barn 2', 'images/barn 2', 'images/labels', 'set/train/images'):
        (tmp_path / name).mkdir(parents=True)
    images, labels = tmp_path / 'images', tmp_path / 'labels/barn 2'
    near = [labels, images / 'barn 2']
    assert likely_folders(labels, [images]) == (near + [images], [], ())
    assert likely_folders(labels, [images], labels) == (near + [images], [], ())
    assert likely_folders(labels, [images], labels.parent) == (near, [images], ())
    assert likely_folders(Path(), []) == ([Path()], [], ())
    found = likely_folders(tmp_path / 'away/train/labels', [tmp_path / 'set'], tmp_path / 'away')
    assert tmp_path / 'set/train/images' in found.near
