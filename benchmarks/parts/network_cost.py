"""What one network costs: parameters, multiply-adds, memory."""
import gc
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from parts import peak_memory
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from plugin.models.onnx import number_of_channels


def read(path: str) -> Config:
    """The config of one semantic network."""
    cfg = Config.fromfile(path)
    if cfg.get('default_scope') != 'mmseg' or 'backbone' not in cfg.model:
        raise SystemExit(f'error: {path} is no single semantic network; give one like '
                         'configs/fcn8s_mnv2_camvid.py.')
    return cfg


def build(cfg: Config, device: str) -> nn.Module:
    """The network with random weights."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return MODELS.build(cfg.model).to(device)


def image_size(cfg: Config, name: str, given: Sequence[int] | None) -> tuple[int, int]:
    """(height, width) of what the test pipeline hands to the network."""
    if given:
        return tuple(given)
    scales = [step.scale for step in cfg.test_dataloader.dataset.pipeline
              if step.type == 'Resize' and step.get('scale')]
    if not scales:
        raise SystemExit(f'error: the test pipeline of {name} takes images of any size; '
                         'give one with --size HEIGHT WIDTH.')
    width, height = scales[-1]
    return height, width


def samples(size: tuple[int, int], number: int, classes: int = 0) -> list:
    """What the data set tells of ``number`` images; with labels if there are ``classes``."""
    made = [SegDataSample(metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size,
                                        padding_size=[0] * 4)) for _ in range(number)]
    for sample in made if classes else []:
        sample.gt_sem_seg = PixelData(data=torch.randint(classes, (1, *size)))
    return made


def random_image(model: nn.Module, size: tuple[int, int]) -> Tensor:
    """A normalised image (1, C, H, W), grey where the network takes grey ones."""
    device = next(model.parameters()).device
    return torch.randn(1, number_of_channels(model), *size, device=device)


def predict(model: nn.Module, image: Tensor) -> Any:
    """Labels of a normalised image (1, C, H, W)."""
    with torch.no_grad():
        return model.predict(image, samples(tuple(image.shape[2:]), 1))


def train(model: nn.Module, cfg: Config, steps: int = 2) -> None:
    """Steps with the batch, the crop and the optimiser of the config; momentum is there from 2."""
    number, size = cfg.train_dataloader.batch_size, tuple(cfg.crop_size)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    model.train()
    for _ in range(steps):
        images = list(torch.randint(256, (number, number_of_channels(model), *size),
                                      dtype=torch.uint8))
        model.train_step(dict(inputs=images, data_samples=samples(size, number, cfg.num_classes)),
                         wrapper)


def count(model: nn.Module, size: tuple[int, int]) -> tuple[int, float]:
    """Parameters, and multiply-adds of the convolutions and matrix products for an image."""
    # it watches what runs: MMEngine's count traces the network, which unpooling does not stand
    with FlopCounterMode(display=False) as counter:
        predict(model, random_image(model, size))
    return sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() / 2


def measure_memory(cfg: Config, size: tuple[int, int], device: str) -> dict[str, float]:
    """Peak MB of an image and of training steps, beyond what is held without a network."""
    # libraries that a first convolution loads are not the network's
    convolution = nn.Conv2d(3, 8, 3).to(device)
    convolution(torch.zeros(1, 3, 32, 32, device=device)).sum().backward()
    del convolution
    gc.collect()
    before, peaks = peak_memory.held(device), {}
    model = build(cfg, device)
    for name in ('image', 'training'):
        peak_memory.forget_peak(device)
        if name == 'image':
            predict(model.eval(), random_image(model, size))
        else:
            train(model, cfg)
        peaks[name] = (peak_memory.peak(device) - before) / 1e6
    return peaks
