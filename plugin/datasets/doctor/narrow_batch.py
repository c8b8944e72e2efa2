"""Batches of one image, whose pooled features batch norm cannot normalise."""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmseg.models.segmentors import CascadeEncoderDecoder, EncoderDecoder
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from plugin.models.segmentors import TeacherStudentSegmentor
from plugin.models.semi.networks import auxiliary_heads, run_head

from .findings import Report

TOO_FEW = 'Expected more than 1 value per channel'
USUAL = (512, 512)
# samplers without an end never leave a rest of an epoch
EPOCHS = ('DefaultSampler', )


def check_batch(model: nn.Module, cfg: Mapping[str, Any], images: int | None,
                report: Report) -> None:
    """Report a training in which batch norm sees one value a channel.

    The shapes are computed without values and without memory, as a pass of one image in training
    mode would have them; nothing is computed where no network sees a single image.

    Args:
        model (nn.Module): The model, not wrapped, on any device.
        cfg (Mapping): The config of its training.
        images (int, optional): Images of the training set, where that is known.
        report (Report): Takes the finding.
    """
    loader = cfg.get('train_dataloader')
    if not isinstance(loader, Mapping) or not cfg.get('optim_wrapper'):
        return
    network = getattr(model, 'student', model)
    if not isinstance(network, EncoderDecoder) or isinstance(network, CascadeEncoderDecoder):
        return
    fewest, reason, cure = _smallest_pass(model, cfg, loader, images)
    if fewest != 1:
        return
    norm = lonely_norm(network, _size(model))
    if norm is not None:
        report.add('error', 'batch-of-one', f'{reason}, and batch norm in {norm} needs 2 images or '
                   'more, since what enters it is one value a channel and image',
                   ['train_dataloader'], cure)


def lonely_norm(network: EncoderDecoder, size: Sequence[int]) -> str | None:
    """Name of the batch norm that cannot normalise a single image in training; None without one.

    Args:
        network (EncoderDecoder): Any; it is left as it is.
        size (Sequence[int]): H, W of the image.
    """
    norms: dict[nn.Module, str] = {
        layer: name for name, layer in network.named_modules()
        if isinstance(layer, _BatchNorm)}
    entered: list[nn.Module] = []
    handles = [layer.register_forward_pre_hook(lambda layer, _: entered.append(layer))
               for layer in norms]
    channels = next((layer.in_channels for layer in network.backbone.modules()
                     if isinstance(layer, nn.Conv2d)), 3)
    modes = {module: module.training for module in network.modules()}
    whole = _Network(network)
    state = {name: value.detach().to('meta') for name, value in whole.state_dict().items()}
    # buffers that no checkpoint holds
    state.update({name: value.to('meta') for name, value in whole.named_buffers()
                  if name not in state})
    try:
        network.train()
        # the draws of a dropout must not change those of the training
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            functional_call(whole, state, (torch.empty(1, channels, *size, device='meta'), ))
    except ValueError as error:
        return norms[entered[-1]] if TOO_FEW in str(error) and entered else None
    except Exception:  # a network that cannot run without values says nothing
        return None
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode
    return None


class _Network(nn.Module):
    """All parts of a segmentor that a step of its training runs."""

    def __init__(self, network: EncoderDecoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> None:
        size = images.shape[2:]
        levels = self.network.extract_feat(images)
        for head in [self.network.decode_head,
                     *(head for _, head in auxiliary_heads(self.network))]:
            run_head(head, levels, size)


def _smallest_pass(model: nn.Module, cfg: Mapping[str, Any], loader: Mapping[str, Any],
                   images: int | None) -> tuple[int, str, str]:
    """The fewest images that a network sees at once, why, and what to set."""
    batch = loader.get('batch_size', 1)
    sampler = loader.get('sampler') or {}
    if isinstance(model, TeacherStudentSegmentor):
        one, other = sampler.get('ratio', (1, 1))
        labelled = batch * one // (one + other)
        hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
        warm_up = any(hook.get('warmup') or hook.get('warmup_epochs') for hook in hooks
                      if isinstance(hook, Mapping))
        fewest = model.smallest_pass(labelled, batch - labelled, warm_up)
        whole = (one + other) * -(-2 // min(one, other))
        return fewest, (f'{type(model).__name__} sees 1 of the {labelled} + {batch - labelled} '
                        'images of a batch by itself'), (
            f'set train_dataloader.batch_size={whole} and train_dataloader.sampler.batch_size='
            f'{whole}, {whole * one // (one + other)} labelled and '
            f'{whole * other // (one + other)} unlabelled images a step and process')
    if (images and sampler.get('type') in EPOCHS and batch > 1 and images % batch == 1
            and not loader.get('drop_last')):
        return 1, (f'the last batch of each epoch has 1 of the {images} images'), (
            'set train_dataloader.drop_last=True')
    return batch, 'a batch has 1 image', 'set train_dataloader.batch_size=2'


def _size(model: nn.Module) -> Sequence[int]:
    size = getattr(getattr(model, 'data_preprocessor', None), 'size', None)
    return tuple(size) if size else USUAL
