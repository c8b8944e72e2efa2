"""What a file knows about the network in it, and whether that is the network of a config."""
import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from mmengine.model import BaseModel
from torch import nn

from plugin.utils import UserError, first_few
from plugin.version import __version__

from .export import predicting_network
from .instances import number_outlined, predicting_detector

# parts of names of what takes no part in a prediction
UNUSED = re.compile(r'^auxiliary_head|^data_preprocessor|\.loss_(decode|cls|bbox|mask)'
                    '|num_batches_tracked$')
Facts = TypeVar('Facts', bound='GraphFacts')
GEOMETRY = ('kernel_size', 'stride', 'padding', 'dilation', 'output_size')


@dataclasses.dataclass(frozen=True)
class GraphFacts:
    """The metadata of an exported file; each field is one entry, as JSON.

    Attributes:
        config (str): Name of the config.
        checkpoint (str): Name of the checkpoint.
        network (str): Class names, for people.
        fingerprint (str): Hash of the layers and the shapes of their weights.
        classes (list[str]): Names of the C classes.
        palette (list[list[int]]): Their colours, RGB.
        mean (list[float] | None): Of the network's channels, subtracted before it.
        std (list[float] | None): By which they are divided then.
        bgr_to_rgb (bool): Whether channels are swapped before that.
        preprocessing (bool): Whether the graph does this itself.
        precision (str): ``float32``, ``float16`` or ``int8``.
        pasture_version (str): What exported it.
    """

    config: str
    checkpoint: str
    network: str
    fingerprint: str
    classes: list[str]
    palette: list[list[int]]
    mean: list[float] | None
    std: list[float] | None
    bgr_to_rgb: bool
    preprocessing: bool
    precision: str
    pasture_version: str = __version__

    def to_metadata(self) -> dict[str, str]:
        """The entries of the file."""
        return {key: json.dumps(value, ensure_ascii=False)
                for key, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_metadata(cls: type[Facts], metadata: Mapping[str, str], name: str) -> Facts:
        """Read the entries of a file.

        Raises:
            UserError: If some are missing or unreadable; names the file.
        """
        wanted = [field.name for field in dataclasses.fields(cls)]
        missing = [key for key in wanted if key not in metadata]
        try:
            if not missing:
                return cls(**{key: json.loads(metadata[key]) for key in wanted})
        except json.JSONDecodeError:
            missing = wanted
        raise UserError(f'{name} does not say of which network it is ({first_few(missing)} '
                        'missing); export it by tools/export_onnx.py')


@dataclasses.dataclass(frozen=True)
class InstanceFacts(GraphFacts):
    """The metadata of an exported detector.

    Attributes:
        threshold (float | None): Lowest score of an instance, as the checkpoint remembers it.
        settings (dict): What the graph has taken from ``test_cfg`` and from the padding.
        counts (dict | None): What the validation of the checkpoint counted: ``truth`` and
            ``numbers`` of N images, and ``scores``, as lists.
    """

    threshold: float | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    counts: dict[str, list] | None = None


def facts_of(model: BaseModel, *, config: str, checkpoint: str, classes: Sequence[str],
             palette: Sequence[Sequence[int]], preprocessing: bool = False,
             half: bool = False) -> GraphFacts:
    """The facts of a model that is exported, see :func:`~plugin.models.onnx.to_onnx`."""
    return GraphFacts(**_common(
        model, predicting_network(model), config=config, checkpoint=checkpoint, classes=classes,
        palette=palette, preprocessing=preprocessing, precision='float16' if half else 'float32'))


def instance_facts_of(model: BaseModel, *, threshold: float | None,
                      counts: dict[str, list] | None = None, **settings: Any) -> InstanceFacts:
    """The facts of a detector, see :func:`~plugin.models.onnx.instances_to_onnx`.

    Args:
        model (BaseModel): The detector.
        threshold (float, optional): Lowest score of an instance.
        counts (dict, optional): What the validation counted.
        settings (Any): Those of :func:`facts_of`, with ``precision`` in the place of ``half``.
    """
    return InstanceFacts(**_common(model, predicting_detector(model), **settings),
                         threshold=threshold, settings=_detection_settings(model), counts=counts)


def _common(model: BaseModel, network: BaseModel, *, classes: Sequence[str],
            palette: Sequence[Sequence[int]], **names: Any) -> dict[str, Any]:
    return dict(network=describe(network), fingerprint=fingerprint(network), classes=list(classes),
                palette=[[int(value) for value in colour] for colour in palette], **names,
                **_normalisation(model))


def check_facts(facts: GraphFacts, model: BaseModel, name: str, config: str) -> None:
    """Compare a file with the model of a config.

    Args:
        facts (GraphFacts): Of the file.
        model (BaseModel): Of the config; its weights do not matter.
        name (str): The file in messages.
        config (str): The config in messages.

    Raises:
        UserError: If it is another network, or takes images normalised in another way.
    """
    is_detector = isinstance(facts, InstanceFacts)
    network = predicting_detector(model) if is_detector else predicting_network(model)
    cure = f'give {facts.config}, or export again with {config}'
    number = _number_of_classes(network, len(facts.classes))
    if number != len(facts.classes):
        raise UserError(f'{name} was exported from {facts.config} with {len(facts.classes)} '
                        f'classes, but {config} has {number}; {cure}')
    if fingerprint(network) != facts.fingerprint:
        raise UserError(f'{name} was exported from {facts.config} ({facts.network}), whose layers '
                        f'are not those of {config} ({describe(network)}); {cure}')
    for key, value in _normalisation(model).items():
        if value != getattr(facts, key):
            raise UserError(f'{name} was exported with {key}={getattr(facts, key)}, but {config} '
                            f'has {key}={value}; {cure}')
    if isinstance(facts, InstanceFacts):
        for key, value in _detection_settings(model).items():
            if value != facts.settings.get(key):
                raise UserError(f'{name} was exported with {key}={facts.settings.get(key)}, but '
                                f'{config} has {key}={value}; {cure}')


def describe(network: nn.Module) -> str:
    """Class names of a model, its backbone and its heads."""
    names = ('backbone', 'neck', 'decode_head', 'rpn_head', 'roi_head')
    parts = [getattr(network, name, None) for name in names]
    inside = ' + '.join(type(part).__name__ for part in parts if part is not None)
    return f'{type(network).__name__}: {inside}'


def fingerprint(network: nn.Module) -> str:
    """Hash of the layers of a network, of their geometry and the shapes of their weights."""
    lines = [f'{name} {type(layer).__name__} {_geometry(layer)}'
             for name, layer in network.named_modules() if not UNUSED.search(name)]
    lines += [f'{name} {tuple(value.shape)}' for name, value in network.state_dict().items()
              if not UNUSED.search(name)]
    return hashlib.sha256('\n'.join(lines).encode()).hexdigest()[:16]


def _geometry(layer: nn.Module) -> tuple[Any, ...]:
    return tuple(getattr(layer, key, None) for key in GEOMETRY)


def _normalisation(model: BaseModel) -> dict[str, Any]:
    preprocessor = model.data_preprocessor
    on = getattr(preprocessor, '_enable_normalize', False)
    return dict(mean=preprocessor.mean.flatten().tolist() if on else None,
                std=preprocessor.std.flatten().tolist() if on else None,
                bgr_to_rgb=bool(getattr(preprocessor, '_channel_conversion', False)))


def _number_of_classes(network: BaseModel, default: int) -> int:
    if not hasattr(network, 'roi_head'):
        return int(getattr(network, 'num_classes', default))
    heads: Any = network.roi_head.bbox_head
    head: Any = heads[-1] if isinstance(heads, nn.ModuleList) else heads
    return int(head.num_classes)


def _detection_settings(model: BaseModel) -> dict[str, Any]:
    """What else than layers is fixed in the graph of a detector, as JSON holds it."""
    network, preprocessor = predicting_detector(model), model.data_preprocessor
    fixed = {f'{name}.{key}': value for name in ('rpn', 'rcnn')
             for key, value in network.test_cfg[name].items()
             # what happens after the graph may be changed
             if key not in ('mask_thr_binary', 'mask_nms', 'max_per_img') or name == 'rpn'}
    fixed['rcnn.max_per_img'] = number_outlined(network.roi_head)
    fixed.update(pad_size_divisor=preprocessor.pad_size_divisor, pad_value=preprocessor.pad_value)
    return json.loads(json.dumps(fixed))
