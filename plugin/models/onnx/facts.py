"""What a file knows about the network in it, and whether that is the network of a config."""
import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModel
from torch import nn

from plugin.utils import UserError, first_few
from plugin.version import __version__

from .export import predicting_network

# parts of names of what takes no part in a prediction
UNUSED = re.compile(r'^auxiliary_head|^data_preprocessor|\.loss_decode|num_batches_tracked$')
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
        precision (str): ``float32`` or ``float16``.
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
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> 'GraphFacts':
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


def facts_of(model: BaseModel, *, config: str, checkpoint: str, classes: Sequence[str],
             palette: Sequence[Sequence[int]], preprocessing: bool = False,
             half: bool = False) -> GraphFacts:
    """The facts of a model that is exported, see :func:`~plugin.models.onnx.to_onnx`."""
    network = predicting_network(model)
    return GraphFacts(
        config=config, checkpoint=checkpoint, network=describe(network),
        fingerprint=fingerprint(network), classes=list(classes),
        palette=[[int(value) for value in colour] for colour in palette],
        preprocessing=preprocessing, precision='float16' if half else 'float32',
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
    network = predicting_network(model)
    cure = f'give {facts.config}, or export again with {config}'
    number = getattr(network, 'num_classes', len(facts.classes))
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


def describe(network: nn.Module) -> str:
    """Class names of a segmentor, its backbone and its head."""
    parts = [getattr(network, name, None) for name in ('backbone', 'neck', 'decode_head')]
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
