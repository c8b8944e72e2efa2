"""Checkpoints that survive a kill at any moment."""
import re
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS

from plugin.utils import UserError, write_atomically

from ..checkpoints.good_checkpoint import choose_good, damage_of
from ..score_rules import known_rule, told_scores

# what plugin.utils.atomic_path leaves behind if it is killed while it writes a checkpoint
LEFTOVER = re.compile(r'\.(iter_\d+|epoch_\d+|best_.*|segmentor)\.[a-z0-9_]{8}\.pth')
# entry of the message hub: the step whose weights were validated last
VALIDATED = 'validated_step'


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """A ``CheckpointHook`` that writes the new before it removes the old.

    Seven things differ from MMEngine's hook: a checkpoint appears whole or not at all; one that was
    written before the validation of its weights is written again after it, also where these are not
    the best, so that it holds what the validation keeps, such as the threshold of counting; an
    older one (also the best one) is removed only after the newer one is complete and on the disk,
    so that even ``max_keep_ckpts=1`` leaves one to go on from; ``last_checkpoint`` is never empty
    and never names a file that is not there; a training that is resumed passes over a damaged
    checkpoint to the newest whole one, and never removes it; a best checkpoint that is lost or
    damaged then does not keep a worse one from being saved; and nothing is removed that this
    training did not save into its own folder, whatever the checkpoint it goes on from says.

    Args:
        *args: Those of :class:`mmengine.hooks.CheckpointHook`.
        **kwargs: As above; ``backend_args`` defaults to ``dict(backend='atomic')``.
    """

    file_backend: Any  # CheckpointHook.before_train finds it
    _saves = 0  # how many were written, without the best ones

    def __init__(self, *args, **kwargs) -> None:
        if kwargs.get('file_client_args') is None:
            kwargs['backend_args'] = kwargs.get('backend_args') or dict(backend='atomic')
        super().__init__(*args, **kwargs)

    def before_run(self, runner) -> None:
        """Choose what ``resume=True`` without a file goes on from, before MMEngine does.

        Raises:
            UserError: If all checkpoints of the work directory are damaged.
        """
        if getattr(runner, '_resume', False) and runner._load_from is None:
            path = choose_good(Path(runner.work_dir), runner.logger.warning)
            runner._load_from = None if path is None else str(path)

    def before_train(self, runner) -> None:
        """Find the folder, and clear it of what an earlier kill left half written."""
        if runner.iter > 0:
            self._look_for_best(runner)
            self._forget_others(runner)
        super().before_train(runner)
        folder = Path(self.out_dir)
        given, own = _resumed_file(runner), folder / self.filename_tmpl.format(self._step(runner))
        if (runner.iter > 0 and given is not None and given.resolve() == own.resolve()
                and runner.message_hub.runtime_info.get(VALIDATED) != self._step(runner)):
            self.last_ckpt = str(own)  # its validation was cut short, and is done again
        if is_main_process() and folder.is_dir():
            for path in folder.iterdir():
                if LEFTOVER.fullmatch(path.name):
                    runner.logger.info(f'{path} was left half written by an earlier run: removed')
                    path.unlink(missing_ok=True)

    def after_val_epoch(self, runner, metrics: dict) -> None:
        """Save the best one, and the last one again if it was saved before this validation."""
        step, saves = self._step(runner), self._saves
        runner.message_hub.update_info(VALIDATED, step)
        super().after_val_epoch(runner, metrics)
        is_last = (self.last_ckpt is not None
                   and Path(self.last_ckpt).name == self.filename_tmpl.format(step))
        if is_last and self._saves == saves:
            self._save_checkpoint_with_step(
                runner, step, meta=dict(epoch=runner.epoch, iter=runner.iter))

    def _step(self, runner) -> int:
        """How many steps a training has done, when it is between two of them."""
        return runner.epoch if self.by_epoch else runner.iter

    def _init_rule(self, rules: list, key_indicators: list[str]) -> None:
        if len(rules) == 1:
            rules = rules * len(key_indicators)
        super()._init_rule([rule or known_rule(name)
                            for rule, name in zip(rules, key_indicators)], key_indicators)

    def _save_checkpoint_with_step(self, runner, step: int, meta: dict) -> None:
        outdated = self._keep(runner, step)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir, name, self.file_client_args, save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler, meta=meta, by_epoch=self.by_epoch,
            backend_args=self.backend_args, **self.args)
        self._saves += 1
        if is_main_process():
            write_atomically(Path(runner.work_dir) / 'last_checkpoint', str(self.last_ckpt),
                             durable=True)
            for path in outdated:
                self._remove(path)

    def _save_best_checkpoint(self, runner, metrics: dict) -> None:
        for name in (self.key_indicators if self.save_best else ()):
            if name != 'auto' and name not in metrics:
                raise UserError(f'default_hooks.checkpoint.save_best={name}: '
                                f'{told_scores(name, metrics)}; set it to one of these and go on '
                                'with --resume')
        backend = self.file_backend
        self.file_backend = later = _RemoveLater(backend, Path(self.out_dir))
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend = backend
        # an exception above leaves the old one where it was
        for path in later.paths:
            if path not in self._best_paths():
                self._remove(path)

    @staticmethod
    def _look_for_best(runner) -> None:
        """Let a best checkpoint that is lost or damaged be replaced by the next best one."""
        hub = runner.message_hub
        for key in [key for key in hub.runtime_info if key.startswith('best_ckpt')]:
            named = Path(str(hub.get_info(key)))
            # the folder may have been moved or copied since: that of the original is not ours
            beside = _folder_resumed(runner) / named.name
            path = beside if beside.is_file() or not named.is_file() else named
            reason = damage_of(path) if path.is_file() else 'it does not exist'
            if reason is None:
                hub.update_info(key, str(path))
                continue
            runner.logger.warning(f'the best checkpoint {path} is lost ({reason}): the next '
                                  'validation is the best one again, and those after it compete '
                                  'with that')
            hub.pop_info(key)
            hub.pop_info(key.replace('best_ckpt', 'best_score', 1), None)

    def _forget_others(self, runner) -> None:
        """Let checkpoints be kept that a training in another folder counted as its own."""
        hub = runner.message_hub
        kept = hub.runtime_info.get('keep_ckpt_ids')
        folder = Path(runner.work_dir)
        if self.out_dir not in (None, runner.work_dir):
            folder = Path(self.out_dir) / folder.name  # as CheckpointHook does
        own = _folder_resumed(runner).resolve() in (folder.resolve(),
                                                    Path(runner.work_dir).resolve())
        if kept is not None and not (own and isinstance(kept, list)
                                     and all(isinstance(step, int) for step in kept)):
            hub.update_info('keep_ckpt_ids', [])

    def _keep(self, runner, step: int) -> list[str]:
        """Note that ``step`` is kept; returns the paths that are not kept any more."""
        outdated: list[str] = []
        if self.max_keep_ckpts > 0 and list(self.keep_ckpt_ids)[-1:] != [step]:
            while len(self.keep_ckpt_ids) >= self.max_keep_ckpts:
                name = self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
                outdated.append(self.file_backend.join_path(self.out_dir, name))
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return outdated

    def _best_paths(self) -> list[str]:
        if len(self.key_indicators) == 1:
            return [self.best_ckpt_path]
        return list(self.best_ckpt_path_dict.values())

    def _remove(self, path: str) -> None:
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)
        elif self.file_backend.isdir(path):  # deepspeed writes folders
            self.file_backend.rmtree(path)


class _RemoveLater:
    """A storage that only notes what it is told to remove, and knows the best ones of a folder.

    Args:
        backend (Any): The storage.
        folder (Path): Where the training saves. A training that was resumed from elsewhere is told
            the path of a best checkpoint that is not its own.
    """

    def __init__(self, backend: Any, folder: Path) -> None:
        self.backend, self.folder = backend, folder.resolve()
        self.paths: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def isfile(self, path: str) -> bool:
        """Whether a file is there that may be removed."""
        return self._is_own(path) and self.backend.isfile(path)

    def isdir(self, path: str) -> bool:
        """Whether a folder is there that may be removed."""
        return self._is_own(path) and self.backend.isdir(path)

    def remove(self, path: str) -> None:
        """Note a file."""
        self.paths.append(path)

    rmtree = remove

    def _is_own(self, path: str) -> bool:
        return Path(path).parent.resolve() == self.folder and Path(path).name.startswith('best_')


def _resumed_file(runner) -> Path | None:
    """The checkpoint that a training goes on from; None where it is not told."""
    given = getattr(runner, '_load_from', None)
    return None if given is None else Path(given).expanduser()


def _folder_resumed(runner) -> Path:
    """The folder of that checkpoint."""
    given = _resumed_file(runner)
    return Path(runner.work_dir) if given is None else given.parent
