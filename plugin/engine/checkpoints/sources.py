"""Where checkpoints come from: MMEngine's names of places, read by ``safe_reading``."""
import io
from pathlib import Path
from typing import Any

from mmengine import fileio
from mmengine.dist import barrier, is_main_process
from mmengine.runner import CheckpointLoader, checkpoint

from plugin.utils import UserError

from .safe_reading import download, read_checkpoint


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Load a file of this machine by :func:`.safe_reading.read_checkpoint`."""
    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint {filename} does not exist')
    return read_checkpoint(path, map_location, filename)


def load_from_http(filename: str, map_location: Any = None,
                   model_dir: str | None = None) -> Any:
    """Load ``http://`` or ``https://``; one process fetches the file, and it stays in the cache."""
    if is_main_process():
        download(filename, model_dir)
    barrier()
    return read_checkpoint(download(filename, model_dir), map_location, filename)


def load_from_torchvision(filename: str, map_location: Any = None) -> Any:
    """Load ``torchvision://resnet50``, weights that torchvision publishes."""
    urls = checkpoint.get_torchvision_models()
    return load_from_http(urls[_known(filename, urls)], map_location)


def load_from_openmmlab(filename: str, map_location: Any = None) -> Any:
    """Load ``open-mmlab://detectron2/resnet50``, weights that OpenMMLab publishes."""
    urls = checkpoint.get_external_models()
    renamed = checkpoint.get_deprecated_model_names()
    name = filename.partition('://')[2]
    place = urls[_known(renamed.get(name, name), urls)]
    if place.startswith(('http://', 'https://')):
        return load_from_http(place, map_location)
    return load_from_local(str(Path(checkpoint._get_mmengine_home()) / place), map_location)


def load_from_mmcls(filename: str, map_location: Any = None) -> Any:
    """Load ``mmcls://mobilenet_v2``: the backbone of a classifier."""
    urls = checkpoint.get_mmcls_models()
    return checkpoint._process_mmcls_checkpoint(
        load_from_http(urls[_known(filename, urls)], map_location))


def load_from_ceph(filename: str, map_location: Any = None) -> Any:
    """Load ``s3://`` or ``petrel://``."""
    backend = fileio.get_file_backend(filename, backend_args=dict(backend='petrel'))
    return read_checkpoint(io.BytesIO(backend.get(filename)), map_location, filename)


def load_from_pavi(filename: str, map_location: Any = None) -> Any:
    """Refuse ``pavi://``, whose client is not published."""
    raise UserError(f'{filename} cannot be read from here: download it and give the file')


def _known(name: str, urls: dict) -> str:
    """The part of a name behind ``://``, if somebody publishes it."""
    name = name.partition('://')[2] or name
    if name not in urls:
        raise UserError(f'{name} is none of the {len(urls)} published checkpoints: give a file or '
                        'an address')
    return name


def register_sources() -> None:
    """Put these loaders in the place of MMEngine's, for every tool that imports ``plugin``."""
    for prefixes, loader in (
            ('', load_from_local), (('http://', 'https://'), load_from_http),
            (('modelzoo://', 'torchvision://'), load_from_torchvision),
            (('open-mmlab://', 'openmmlab://'), load_from_openmmlab),
            ('mmcls://', load_from_mmcls), ('pavi://', load_from_pavi),
            ((r'(\S+\:)?s3://', r'(\S+\:)?petrel://'), load_from_ceph)):
        CheckpointLoader.register_scheme(prefixes, loader, force=True)
