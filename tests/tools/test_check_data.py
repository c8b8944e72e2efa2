"""tools/check_data.py: its exit status, its words, its JSON."""
import json

import check_data
import pytest

from tests.helpers.small_doctor import write_label, write_maps
from tests.helpers.tiny import write_project


@pytest.fixture
def folder(tmp_path):
    return write_maps(tmp_path / 'data [牛]')


def test_a_sound_folder(folder, capsys):
    assert check_data.main([str(folder), '--jobs', '1']) == 0
    printed = capsys.readouterr().out
    assert '7 images: 0 errors, 0 warnings, 0 notes' in printed
    assert '50.0% in 4' in printed


def test_what_is_wrong_where_and_what_helps(folder, capsys):
    for part, index in (('train', 0), ('train', 1), ('val', 2)):
        write_label(folder / f'labels/{part}/{index}.png', size=(9, 9))
    assert check_data.main([str(folder), '--jobs', '1']) == 1
    printed = capsys.readouterr().out
    assert 'error size-differs (2 places)\n  label labels/train/0.png is 9x9' in printed
    assert '\n    labels/train/0.png\n    labels/train/1.png\n' in printed
    assert '\n  cure: export the label at the size of its image\n' in printed
    assert printed.endswith('7 images: 2 errors, 0 warnings, 0 notes\n')


def test_json_on_the_terminal_and_in_a_file(folder, tmp_path, capsys):
    (folder / 'images/val/0.jpg').write_bytes(b'')
    assert check_data.main([str(folder), '--jobs', '1', '--json']) == 1
    report = json.loads(capsys.readouterr().out)
    assert report['counts'] == dict(error=1, warning=0, note=0)
    assert report['findings'] == [dict(
        severity='error', code='picture-empty', count=1, places=['images/val/0.jpg'],
        message='image images/val/0.jpg is empty (0 bytes)',
        cure='restore it, or take it out of the set')]
    path = tmp_path / 'new/report.json'
    assert check_data.main([str(folder), '--jobs', '1', '--json', str(path)]) == 1
    assert json.loads(path.read_text(encoding='utf-8')) == report
    assert '7 images: 1 error' in capsys.readouterr().out


def test_nothing_to_look_at_is_another_status(folder, tmp_path, capsys):
    assert check_data.main([str(tmp_path / 'nothing.py')]) == 2
    assert 'nothing.py does not exist' in capsys.readouterr().err
    (tmp_path / 'empty').mkdir()
    assert check_data.main([str(tmp_path / 'empty')]) == 2
    assert 'empty holds no image' in capsys.readouterr().err
    for options, words in ((['--jobs', '0'], '--jobs 0 does no work'),
                           (['--images', 'nowhere'], '--images nowhere is no folder')):
        with pytest.raises(SystemExit) as stop:
            check_data.parse_args([str(folder), *options])
        assert stop.value.code == 2
        assert words in capsys.readouterr().err


def test_a_config_as_it_is_trained(tmp_path, monkeypatch, capsys):
    write_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    options = ['tiny.py', '--json', 'report.json', '--jobs', '2', '--work-dir', 'work here',
               '--cfg-options', 'model.decode_head.num_classes=3']
    assert check_data.main(options) == 1
    printed = capsys.readouterr().out
    assert 'decode_head has num_classes=3, but the training set has 2 classes' in printed
    assert 'checkpoints to come: 0.0 MB' in printed
    report = json.loads((tmp_path / 'report.json').read_text(encoding='utf-8'))
    # the example validates on the images that it trains on
    assert [(one['code'], one['count']) for one in report['findings']] == [
        ('copy-across', 5), ('num-classes', 1), ('num-classes', 1)]
    assert report['facts']['checkpoint_bytes'] > 0
    assert not (tmp_path / 'work here').exists()
