"""The splitter as a program: what it prints, its exit status."""
import json

import pytest

from tests.helpers.small_labels import write_image
from tests.helpers.tool_calls import call_tool


@pytest.fixture
def data(tmp_path):
    """A COCO file of eight images of two cameras, an animal in each."""
    images, annotations = [], []
    for k in range(8):
        name = f'cam{k % 2} {k}.png'
        write_image(tmp_path / 'images' / name)
        images.append(dict(id=k, file_name=name, width=60, height=40))
        annotations.append(dict(id=k, image_id=k, category_id=1, area=8, bbox=[0, 0, 4, 4],
                                segmentation=[[0, 0, 4, 0, 4, 4]]))
    path = tmp_path / 'data.json'
    path.write_text(json.dumps(dict(images=images, annotations=annotations,
                                    categories=[dict(id=1, name='cow')])))
    return path


def test_parts(data, capsys):
    assert call_tool('split_coco', data, '--val', 0.25, '--jobs', 2) == 0
    printed = capsys.readouterr().out
    assert printed.startswith('8 image(s) of one colour cannot be compared: cam0 0.png, ')
    assert 'near-duplicates kept on one side: 0 images in 0 sets' in printed
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in printed.splitlines()
            if line.startswith('│')]
    assert rows == [['train', '6', '75.0%', '6', '1.00', '0', '6'],
                    ['val', '2', '25.0%', '2', '1.00', '0', '2']]
    assert printed.splitlines()[-1] == f'wrote train.json, val.json to {data.parent}'


def test_folds_by_camera(data, tmp_path, capsys):
    assert call_tool('split_coco', data, '--folds', 2, '--group-by', 'cam.', '--duplicates',
                    'ignore', '--out-dir', tmp_path / 'out') == 0
    printed = capsys.readouterr().out
    assert printed.startswith('--group-by "cam." finds 2 groups\n')
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        f'fold{k}_{side}.json' for k in range(2) for side in ('train', 'val')}


@pytest.mark.parametrize('options, status, words', [
    ([], 1, 'error: no part is asked for: give --val 0.2, --test 0.1 or --folds 5.\n'),
    (['--val', '0.2', '--seed', '-1'], 2, '--seed -1 is negative: give 0 or more'),
    (['--val', '0.2', '--jobs', '0'], 2, '--jobs 0 does no work: give 1 or more'),
])
def test_mistakes(data, capsys, options, status, words):
    assert call_tool('split_coco', data, *options) == status
    assert words in capsys.readouterr().err
