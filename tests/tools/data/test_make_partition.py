"""The parting of labelled from unlabelled images as a program."""
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.helpers.tool_calls import call_tool



@pytest.fixture
def farm(tmp_path):
    """Six images of which each shows one of two classes."""
    for k in range(6):
        for folder, pixels in (('images', np.zeros((2, 4, 3), np.uint8)),
                               ('labels', np.full((2, 4), k % 2, np.uint8))):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f'{k}.png')
    return tmp_path


def run(farm, *options):
    return call_tool('make_partition', farm / 'images', '--labels', farm / 'labels', '--out',
                    farm / 'parts', '--jobs', 2, *options)


def test_tables_and_lists(farm, capsys):
    assert run(farm, '--ratio', '1/3', '--classes', 'ground, cow') == 0
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in printed.splitlines()
            if line.startswith('│')]
    assert rows == [['ground', '1', '3', '8', '24'], ['cow', '1', '3', '8', '24']]
    assert printed.splitlines()[-1] == (
        '2 labelled and 4 unlabelled images: wrote labeled.txt, unlabeled.txt to '
        f'{farm / "parts"}')
    published = farm / 'published.txt'
    published.write_text('1\n2\n3\n')
    assert run(farm, '--list', published, '--number', 3, '--overwrite') == 0
    assert capsys.readouterr().out.startswith(f'{published}: 3 of 6\n')
    assert (farm / 'parts/labeled.txt').read_text() == '1\n2\n3\n'


def test_instances_need_a_coco_file(farm, capsys):
    assert run(farm, '--number', 2, '--balance', 'instances') == 1
    assert '--balance instances counts the outlines of a COCO file' in capsys.readouterr().err


def test_mistakes(farm, capsys, monkeypatch):
    for options in ([], ['--ratio', '1/2', '--number', '3'], ['--ratio', '1/2', '--list', 'a.txt']):
        assert run(farm, *options) == 2
        assert 'give one of --ratio 1/8, --number 92, --list FILE' in capsys.readouterr().err
    assert run(farm, '--number', 6) == 1
    message = capsys.readouterr().err
    assert message.startswith('error: 6 of 6 images to be labelled leave none on one side')
    assert message.count('\n') == 1

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, 'write_text', stopped)
    assert run(farm, '--number', 2) == 130
    assert 'interrupted: nothing half-done is left' in capsys.readouterr().err
    assert not list((farm / 'parts').iterdir())
