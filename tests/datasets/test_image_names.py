"""What images are called in results."""
from types import SimpleNamespace

from plugin.datasets.image_names import image_names


def made(key='img_path', folder='/data/images', **more):
    return SimpleNamespace(data_prefix={key: folder}, **more)


def test_paths_below_the_folder_of_images():
    for dataset in (made(), made('img'), SimpleNamespace(dataset=made())):
        name = image_names(dataset)
        assert name('/data/images/a/0001.jpg') == 'a/0001.jpg'
        assert name('/data/images/0001.jpg') == '0001.jpg'
        assert name('/away/a/0001.jpg') == '0001.jpg'


def test_several_data_sets_have_a_folder_in_common():
    name = image_names(SimpleNamespace(datasets=[made(folder='/data/a'), made(folder='/data/b')]))
    assert name('/data/a/1.jpg') == 'a/1.jpg' and name('/data/b/1.jpg') == 'b/1.jpg'


def test_without_a_folder_the_last_part_is_the_name():
    for dataset in (None, SimpleNamespace(data_prefix=None), made(folder='s3://herd/images')):
        assert image_names(dataset)('/data/a/1.jpg') == '1.jpg'
