"""What the models for pixels and for instances have in common when there is no data set."""
import copy
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import mmcv
import numpy as np
import PIL.Image
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import CheckpointLoader

from plugin.engine.checkpoints.fitting import check_fits
from plugin.models.weights.published_fcn import rename_published
from plugin.utils import UserError

from .classes import classes_and_palette
from .deep_images import deep_loader, load_deep
from .headers import check_memory
from .images import DEEP, Image, as_array

Result = TypeVar('Result')
# a sample of the test pipeline, or an image that the model prepares itself
Prepared = dict[str, Any] | np.ndarray


class Predictor(Generic[Result]):
    """A trained model with its test pipeline, to be called with images.

    An image is a path, an array (BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8) or an image of PIL,
    see :func:`~plugin.inference.images.as_array`. A list, a tuple or a generator of them gives a
    generator of results, which predicts one image at a time.

    Args:
        cfg (mmengine.Config): Config with a model and a test pipeline.
        checkpoint (str): Its trained weights, also in the names of the published FCN.
        device (str): Where to compute, e.g. ``cuda:1``. Defaults to ``cpu``.

    Attributes:
        config (str): The config in messages.
        classes (list[str]): Names of the C classes.
        palette (list[tuple[int, int, int]]): Their colours, RGB.
        runs_on (str): Where the network computes, e.g. ``cpu`` or ``cuda:1``.

    Raises:
        UserError: If the checkpoint does not fit the model, or the config
            has no test pipeline.
    """

    scope: str
    models: Registry
    datasets: Registry

    def __init__(self, cfg: Config, checkpoint: str, *, device: str = 'cpu') -> None:
        self.config, self.runs_on = str(cfg.filename), device
        self._network = zlib.crc32(repr((cfg.model, test_pipeline(cfg))).encode())
        self._scope = cfg.get('default_scope', self.scope)
        load, *steps = copy.deepcopy(test_pipeline(cfg))
        self._colour = load.get('color_type', 'color')
        with self.in_scope():
            self._deep = deep_loader(load)
            # whatever else is loaded are the labels, which a new image has not
            self._pipeline = Compose(self._steps(
                [dict(type='LoadImageFromNDArray', to_float32=load.get('to_float32', False)),
                 *(step for step in steps if not step['type'].split('.')[-1].startswith('Load'))]))
            model, self.checkpoint = self._load(cfg, checkpoint)
            self._model: BaseModel = model.to(self._torch_device()).eval()
            self.classes, self.palette = classes_and_palette(
                cfg, self.checkpoint.get('meta', {}), self._number_of_classes(), self.datasets)

    def identity(self) -> dict[str, Any]:
        """What tells the results of this model from those of another one, as JSON holds it."""
        return dict(network=self._network, weights=self._weights())

    def _torch_device(self) -> str:
        return self.runs_on

    def _weights(self) -> int:
        """A checksum of the weights."""
        total = 0
        for name, value in self._model.state_dict().items():
            content = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
            total = zlib.crc32(content, zlib.crc32(name.encode(), total))
        return total

    @property
    def model(self) -> BaseModel:
        """The network, with its weights."""
        return self._model

    @overload
    def __call__(self, image: Image) -> Result: ...

    @overload
    def __call__(self, image: 'list[Image] | tuple[Image, ...] | Iterator[Image]'
                 ) -> Iterator[Result]: ...

    def __call__(self, image):
        """Predict an image, or one image after the other."""
        if isinstance(image, (list, tuple, Iterator)):
            return (self._predict(self.array(one)) for one in image)
        return self._predict(self.array(image))

    def array(self, image: Image) -> np.ndarray:
        """The pixels of an image as the model takes them.

        Args:
            image (str | Path | np.ndarray | PIL.Image.Image): The image.

        Returns:
            np.ndarray: uint8, BGR ``(H, W, 3)`` or, if the model takes grey images, ``(H, W)``.

        Raises:
            UserError: If it is no image.
        """
        if self._deep is not None and isinstance(image, PIL.Image.Image) and image.mode in DEEP:
            return self._deep.scale(np.asarray(image))
        return as_array(image, self._colour, self.read)

    def read(self, path: Path) -> np.ndarray:
        """Read an image the way the training does, always 8 bits.

        Args:
            path (Path): The image: grey, colour, with alpha or with 16 bits; any that
                ``LoadDeepImage`` reads, if the config has it.

        Returns:
            np.ndarray: BGR ``(H, W, 3)`` or, if the model takes grey images, ``(H, W)``.

        Raises:
            UserError: If it is no image, or needs more memory than is free.
        """
        bytes_per_pixel = self._least_memory()
        if bytes_per_pixel is not None:
            check_memory(path, bytes_per_pixel)
        content = path.read_bytes()
        if self._deep is not None and content:
            return load_deep(self._deep, path, content)
        image = mmcv.imfrombytes(content, flag=self._colour) if content else None
        if image is None:
            raise UserError(f'{path} is {"no image" if content else "empty"}')
        return image

    def prepare(self, image: np.ndarray) -> Prepared:
        """What the network takes of an image; may be made in another process.

        Args:
            image (np.ndarray): As of :meth:`array`.

        Returns:
            dict | np.ndarray: The sample of the test pipeline; the image itself where the model
            prepares its views or tiles one after the other.
        """
        if self._prepares_itself():
            return image
        return self._pipeline(dict(img=image, img_id=0))

    def results_of(self, prepared: Sequence[Prepared]) -> list[Result]:
        """The results of images of :meth:`prepare`, which the network takes at once.

        Args:
            prepared (Sequence): One image, or several of the same prepared size.
        """
        return [self._answer(sample, one) for sample, one in
                zip(self._samples(prepared), prepared, strict=True)]

    def in_scope(self):
        """A context in which registries find what the config names; other models are left alone."""
        return DefaultScope.overwrite_default_scope(self._scope)

    def _predict(self, image: np.ndarray) -> Result:
        """The result of an image of :meth:`array`."""
        raise NotImplementedError

    def _answer(self, sample: Any, prepared: Prepared) -> Result:
        """The result of an image, from the data sample that the model returned."""
        raise NotImplementedError

    def _prepares_itself(self) -> bool:
        """Whether an image goes through the model in several parts, or in several views."""
        return False

    def _result(self, image: np.ndarray) -> Any:
        """The data sample that the model returns for an image."""
        return self._test([self._pipeline(dict(img=image, img_id=0))])[0]

    def _samples(self, prepared: Sequence[Prepared]) -> list:
        """The data samples that the model returns for prepared images."""
        if self._prepares_itself():
            return [self._result(one) for one in prepared if isinstance(one, np.ndarray)]
        return self._test(prepared)

    def _test(self, samples: Sequence[Any]) -> list:
        batch = {key: [sample[key] for sample in samples] for key in ('inputs', 'data_samples')}
        with torch.no_grad():
            return self._model.test_step(batch)

    def _least_memory(self) -> int | None:
        """Bytes that a pixel takes at least while it is predicted; None if tile after tile is."""
        return 3

    def _steps(self, steps: list[dict]) -> list[dict]:
        """What prepares an image, from the test pipeline without its labels."""
        return steps

    def _load(self, cfg: Config, checkpoint: str) -> tuple[BaseModel, dict]:
        """The model with its weights, and the checkpoint's rest."""
        return _load_weights(cfg, checkpoint, self.models)

    def _number_of_classes(self) -> int | None:
        """C of the model; None if it does not tell."""
        raise NotImplementedError


def build_model(cfg: Config, models: Registry) -> BaseModel:
    """The model of a config, with weights that mean nothing yet."""
    settings = copy.deepcopy(cfg.model)
    if 'data_preprocessor' in cfg and 'data_preprocessor' not in settings:
        settings.data_preprocessor = cfg.data_preprocessor
    return models.build(settings)


def _load_weights(cfg: Config, checkpoint: str, models: Registry) -> tuple[BaseModel, dict]:
    """Build the model with the weights of the checkpoint; also returns the checkpoint's rest."""
    model = build_model(cfg, models)
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    state_dict = rename_published(loaded.get('state_dict', loaded), model.state_dict())
    check_fits(state_dict, model, Path(checkpoint).name)
    model.load_state_dict(
        {key.removeprefix('module.'): value for key, value in state_dict.items()}, strict=False)
    # the weights and the optimizer's state would only take memory
    return model, {key: loaded[key] for key in ('meta', 'message_hub') if key in loaded}


def test_pipeline(cfg: Config) -> list[dict]:
    """The steps that prepare an image for a test.

    Raises:
        UserError: If the config has none.
    """
    if 'test_pipeline' in cfg:
        return cfg.test_pipeline
    node = cfg.get('test_dataloader')
    while node is not None and 'pipeline' not in node:
        # wrappers hold one data set or several
        node = (node.get('datasets') or [node.get('dataset')])[0]
    if node is None:
        raise UserError(f'{cfg.filename} has neither test_pipeline nor test_dataloader; '
                        'an image cannot be prepared without')
    return node.pipeline
