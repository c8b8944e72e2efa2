"""A training loop that can be resumed exactly, and a validation of teacher and student."""
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.model import is_model_wrapper
from mmengine.registry import LOOPS
from mmengine.runner import IterBasedTrainLoop, ValLoop
from mmengine.runner.amp import autocast
from torch import nn

from plugin.utils import UserError

from .draws import ITERATION, DrawingSampler, DrawnDataset, seed_everything
from .hooks.resumed_config import add_resumed_config
from .late_faults import files_explained
from .watching.losses import files_of


@LOOPS.register_module()
class ResumableTrainLoop(IterBasedTrainLoop):
    """Iterations that do not notice that they were interrupted.

    A training killed at any moment and resumed from its last checkpoint ends with the weights
    of one that was not, bit by bit where the operators are deterministic. The seeds follow from
    the position in the training (see ``plugin.engine.draws``), so neither validation nor the
    number of workers matters, and checkpoints need no states of generators. Two things are
    beyond it: transforms that remember earlier images, and a checkpoint taken between the
    steps of a gradient accumulation.

    A validation that was due when the checkpoint was written is done again, because it may
    have been cut short. Where the config differs from that of the checkpoint,
    ``ResumedConfigHook``, which the loop adds, takes over what can be and says the rest.

    Args:
        runner (Runner): The runner of the training.
        dataloader (dict): Config of the data loader.
        **kwargs: ``max_iters``, ``val_interval`` and the others of
            :class:`mmengine.runner.IterBasedTrainLoop`.

    Raises:
        UserError: If ``dataloader`` is not a config.
    """

    def __init__(self, runner, dataloader: dict, **kwargs) -> None:
        if not isinstance(dataloader, dict):
            raise UserError(f'train_dataloader is a {type(dataloader).__name__}: '
                            'give its config, or use IterBasedTrainLoop')
        dataloader = dict(
            dataloader,
            dataset=dict(type=DrawnDataset, dataset=dataloader['dataset']),
            sampler=dict(type=DrawingSampler, sampler=dataloader['sampler']))
        super().__init__(runner, dataloader, **kwargs)
        add_resumed_config(runner)

    def run(self) -> nn.Module:
        """Train up to ``max_iters`` iterations, from 0 or from where the checkpoint was."""
        self._reseed()
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        # a training that was stopped early stays as it is
        if self._iter > 0 and not self.stop_training:
            self._advance()
            self._validate_if_due()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            self._validate_if_due()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_iter(self, data_batch: Sequence[dict]) -> None:
        """Train on one batch, with random numbers that depend on the iteration only."""
        seed_everything(self._seed, get_rank(), ITERATION, self._iter)
        with files_explained(self.dataloader.dataset, lambda: files_of(data_batch)):
            super().run_iter(data_batch)

    def _reseed(self) -> None:
        # a resumed run takes over the seed of its checkpoint after the loader was built
        differs = self.runner._randomness_cfg.get('diff_rank_seed', False)
        self._seed = self.runner.seed - (get_rank() if differs else 0)
        sampler: Any = self.dataloader.sampler
        if not isinstance(sampler, DrawingSampler):
            sampler = self.dataloader.batch_sampler.sampler
        sampler.reseed(self._seed)

    def _advance(self) -> None:
        """Pass over the batches that were trained on before."""
        iterator = self.dataloader_iterator
        self.runner.logger.info(f'go on after {self._iter} iterations')
        if hasattr(iterator, 'skip_iter'):
            iterator.skip_iter(self._iter)
        else:  # MMEngine before 0.10.12
            for _ in range(self._iter):
                next(iterator)

    def _validate_if_due(self) -> None:
        loop = self.runner.val_loop
        if (loop is not None and self._iter >= self.val_begin
                and (self._iter % self.val_interval == 0 or self._iter == self._max_iters)):
            with files_explained(loop.dataloader.dataset):
                loop.run()


@LOOPS.register_module()
class BothNetworksValLoop(ValLoop):
    """Validation of both networks of a ``TeacherStudentSegmentor``, one after the other.

    The scores of the network that predicts keep their names, so that checkpoints, curves and
    images follow it; those of the other one carry its name, as in ``student/mIoU``. Takes twice
    the time of ``ValLoop``, whose arguments it has.
    """

    def run(self) -> dict:
        """Validate; returns the scores of both networks."""
        model = self.runner.model
        model = model.module if is_model_wrapper(model) else model
        chosen = model.predict_on
        self.runner.call_hook('before_val')
        self.runner.model.eval()
        metrics = {}
        try:
            for name in model.networks:
                if name != chosen:
                    model.predict_on = name
                    metrics.update({f'{name}/{key}': value for key, value in self._score().items()})
        finally:
            model.predict_on = chosen
        self.runner.call_hook('before_val_epoch')
        for index, batch in enumerate(self.dataloader):
            self.run_iter(index, batch)
        metrics = {**self.evaluator.evaluate(len(self.dataloader.dataset)), **metrics}
        self.runner.call_hook('after_val_epoch', metrics=metrics)
        self.runner.call_hook('after_val')
        return metrics

    @torch.no_grad()
    def _score(self) -> dict:
        """Scores of the network that predicts now; no hook takes notice."""
        for batch in self.dataloader:
            with autocast(enabled=self.fp16):
                outputs = self.runner.model.val_step(batch)
            self.evaluator.process(data_samples=outputs, data_batch=batch)
        return self.evaluator.evaluate(len(self.dataloader.dataset))
