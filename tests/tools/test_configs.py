"""tools/configs.py: copies the configs, and replaces nothing unasked."""
import pytest

import configs
from plugin.utils.config import config_folder


def test_copies_all(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert configs.main([]) == 0
    number = len(list(config_folder().rglob('*.py')))
    assert capsys.readouterr().out == f'configs: {number} files\n'
    assert (tmp_path / 'configs/_base_/models/fcn.py').is_file()


def test_replaces_on_request_only(tmp_path, capsys):
    own = tmp_path / 'fcn8s_barn.py'
    own.write_text('mine', 'utf-8')
    with pytest.raises(SystemExit) as stop:
        configs.main([str(tmp_path)])
    assert stop.value.code == 1
    assert capsys.readouterr().err == (
        f'error: {own} would be replaced; name another folder or add --overwrite.\n')
    assert own.read_text('utf-8') == 'mine'
    assert configs.main([str(tmp_path), '--overwrite']) == 0
    assert own.read_text('utf-8') != 'mine'
