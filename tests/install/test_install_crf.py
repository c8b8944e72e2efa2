"""Building pydensecrf2 for DenseCRF: once, and without stopping anything where it fails."""
import sys
import zipfile

import pytest


@pytest.fixture
def builder(fake, tmp_path):
    """A Python without pydensecrf, whose pip builds a wheel or fails with a last word."""
    (tmp_path / 'made').mkdir()
    with zipfile.ZipFile(tmp_path / 'made' / 'pydensecrf2-1.1-x.whl', 'w') as archive:
        archive.writestr('pydensecrf/densecrf.so', 'x')
    (tmp_path / 'made' / 'pydensecrf2-1.1.tar.gz').touch()

    def make(fails='nothing', word='', there=False):
        return fake('python', f'''
case "$*" in
  *"import pydensecrf"*) exit {0 if there else 1} ;;
  *pip\\ {fails}*) echo "{word}" >&2; exit 1 ;;
  *pip\\ download*) while [ "$1" != -d ]; do shift; done
    mkdir -p "$2"; cp "{tmp_path}"/made/*.tar.gz "$2" ;;
  *pip\\ wheel*) [ -f "$PYTHONPATH/Cython/__init__.py" ] || exit 1
    while [ "$1" != -w ]; do shift; done; mkdir -p "$2"; cp "{tmp_path}"/made/*.whl "$2" ;;
  *pip\\ install*) touch "{tmp_path}/installed" ;;
  *) exec {sys.executable} "$@" ;;
esac''')

    return make


def test_it_is_built_once(call, builder, tmp_path):
    line = f'INDEX=(); install_crf {builder()}; echo done'
    first = call(line, CXX=sys.executable)
    assert (first.returncode, first.stdout) == (0, 'done\n'), first.stderr
    assert 'building pydensecrf2==1.1 for DenseCRF' in first.stderr
    (tmp_path / 'installed').unlink()
    second = call(line)
    assert second.stderr == 'pasture: installing pydensecrf2-1.1-x.whl\n'
    assert (tmp_path / 'installed').exists()
    wheel, = (tmp_path / 'cache').rglob('*.whl')
    assert wheel.parent.name == 'pydensecrf2-1.1-cp{}{}'.format(*sys.version_info[:2])


def test_one_that_is_there_is_left_alone(call, builder, tmp_path):
    result = call(f'INDEX=(); install_crf {builder(there=True)}; echo done')
    assert (result.stdout, result.stderr) == ('done\n', '')
    assert not (tmp_path / 'installed').exists()


@pytest.mark.parametrize('fails, word', [
    ('download', 'ERROR: No matching distribution found for pydensecrf2==1.1'),
    ('wheel', "error: command 'g++' failed: No such file or directory")])
def test_without_it_all_else_goes_on(call, builder, tmp_path, fails, word):
    result = call(f'INDEX=(); install_crf {builder(fails, word)}; echo done',
                  CXX=sys.executable)
    assert (result.returncode, result.stdout) == (0, 'done\n')
    assert f'note: pydensecrf2==1.1 could not be built ({word})' in result.stderr
    assert "later: pip install -e '.[crf]'" in result.stderr
    assert not (tmp_path / 'installed').exists()
    assert not list((tmp_path / 'cache').rglob('*.whl'))


def test_one_line_where_there_is_no_compiler(call, builder, tmp_path):
    result = call(f'has_compiler() {{ false; }}; INDEX=(); install_crf {builder()}; echo done')
    assert (result.returncode, result.stdout) == (0, 'done\n')
    assert result.stderr == (
        'pasture: note: no C++ compiler here: pydensecrf2==1.1 is left out, which only DenseCRF '
        "needs; later: pip install -e '.[crf]'\n")
    assert not (tmp_path / 'installed').exists()
    assert call('has_compiler', CXX=sys.executable).returncode == 0
    none = call('(PATH=/none; has_compiler) || echo none', CXX='no-such-c++')
    assert none.stdout == 'none\n'
