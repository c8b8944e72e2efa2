"""Collecting a folder for machines without a network."""
import sys

import pytest


@pytest.fixture
def downloader(fake):
    """A Python whose pip downloads files of the given names."""

    def make(*names, wheel='pure-1-py3-none-any.whl', rc=0):
        touch = '; '.join(f'touch "$folder/{name}"' for name in names) or ':'
        return fake('python', f'''
case "$*" in
  *pip\\ download*) while [ "$1" != -d ]; do shift; done; folder=$2; {touch}
    echo "ERROR: broken"; exit {rc} ;;
  *pip\\ wheel*) while [ "$1" != -w ]; do shift; done; mkdir -p "$2"; touch "$2/{wheel}" ;;
  *) exec {sys.executable} "$@" ;;
esac''')

    return make


def test_a_wheelhouse_is_whole(bash, downloader, project):
    python = downloader('rich-15-py3-none-any.whl', 'pure-1.tar.gz')
    result = bash('tools/wheelhouse.sh "über see" --python 3.13 --no-torch', PYTHON=python)
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (project / 'über see').iterdir()} == {
        'packages.txt', 'rich-15-py3-none-any.whl', 'pure-1-py3-none-any.whl'}
    listed = (project / 'über see' / 'packages.txt').read_text('utf-8').splitlines()
    assert listed[0] == '# python 3.13'
    assert any(line.startswith('rich==') for line in listed)


def test_sources_are_collected_on_request_only(bash, downloader, project):
    mmcv = 'onedl_mmcv-2.3.6'
    python = downloader(f'{mmcv}.tar.gz', wheel=f'{mmcv}-py3-none-any.whl')
    for option, names in (('', {f'{mmcv}-py3-none-any.whl'}),
                          ('--compile', {f'{mmcv}-py3-none-any.whl', f'{mmcv}.tar.gz'})):
        bash(f'rm -rf out; tools/wheelhouse.sh out --no-torch {option}', PYTHON=python)
        assert {path.name for path in (project / 'out').iterdir()} == {'packages.txt', *names}
        listed = (project / 'out/packages.txt').read_text('utf-8')
        assert ('ninja==' in listed) is (option == '--compile')


@pytest.mark.parametrize('options, message', [
    ({'rc': 1}, 'ERROR: broken'),
    ({'wheel': 'pure-1-cp311-cp311-linux_x86_64.whl'}, 'pure-1.tar.gz has compiled parts'),
])
def test_or_it_is_not_there(refused, bash, downloader, project, options, message):
    python = downloader('pure-1.tar.gz', **options)
    refused(bash('tools/wheelhouse.sh out --python 3.12 --no-torch', PYTHON=python), message)
    assert {path.name for path in project.iterdir()} == {'tools', 'requirements'}


@pytest.mark.parametrize('arguments, message', [
    ('', 'name the folder to fill'),
    ('out --python 3.15', '--python 3.15 is none of 3.10 3.11 3.12 3.13 3.14'),
    ('tools', '/tools is not empty'),
    ('out --have none.txt', '/none.txt does not exist'),
    ('out --all', "unknown argument '--all'"),
    ('out more', "one folder, please: 'out' or 'more'"),
])
def test_wrong_arguments_of_the_wheelhouse(refused, bash, arguments, message):
    refused(bash(f'tools/wheelhouse.sh {arguments}', PYTHON=sys.executable), message)
