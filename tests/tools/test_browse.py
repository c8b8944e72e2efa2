"""tools/browse.py."""
import browse
import pytest

from tests.helpers.forked import run_tool


def test_sheet(trained, tmp_path):
    result = run_tool('browse', ['tiny.py', '--number', '3', '--out', tmp_path / 'grid.png'],
                      trained.folder)
    assert result.status == 0, result.err
    assert f'3 of 5 samples of the train set: {tmp_path / "grid.png"}' in result.out
    assert (tmp_path / 'grid.png').is_file()


@pytest.mark.parametrize(('argv', 'message'), [
    (['tiny.py', '--number', '0'], '0 is not a whole number, 1 or more'),
    (['tiny.py', '--out', 'x.gif'], '--out x.gif is neither .png nor .jpg'),
])
def test_wrong_usage_has_status_2(capsys, argv, message):
    with pytest.raises(SystemExit) as error:
        browse.main(argv)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_config_without_the_split(trained):
    result = run_tool('browse', ['tiny.py', '--cfg-options', 'test_dataloader=None',
                                 '--split', 'test'], trained.folder)
    assert result.status == 1
    assert 'error: tiny.py has no test_dataloader.' in result.err
