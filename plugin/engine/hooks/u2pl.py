"""The schedule of U2PL, and the fill of its memory banks."""
from mmengine.registry import HOOKS
from torch import Tensor, nn

from plugin.models.segmentors import TeacherStudentSegmentor
from plugin.models.semi.memory_bank import MemoryBank

from .teacher_student import TeacherStudentHook, unwrapped


@HOOKS.register_module()
class U2PLHook(TeacherStudentHook):
    """A :class:`TeacherStudentHook` that logs the fill of the memory banks.

    At the start it says how much memory the banks take and which ranks the negatives of a class
    have. The log gets the fill of the banks, 0..1, as ``bank_min`` and ``bank_mean``, and the file
    of scalars that of each class as ``bank/<class>``. See :class:`TeacherStudentHook` for all
    else, and for the arguments.
    """

    def before_train(self, runner) -> None:
        """Find out how long the warm-up is, and say what the banks take."""
        super().before_train(runner)
        bank = _bank(unwrapped(runner))
        if bank is not None:
            runner.logger.info(
                f'memory banks: {int(bank.capacity.sum())} keys of {bank.keys.shape[1]} numbers '
                f'for {len(bank.filled)} classes take {bank.memory_bytes / 1e6:.0f} MB on '
                f'{bank.keys.device}, and in each checkpoint')

    def scalars(self, model: TeacherStudentSegmentor) -> dict[str, Tensor]:
        """Those of every teacher, and the least and the mean fill of the banks."""
        bank = _bank(model)
        fill = {} if bank is None else dict(bank_min=bank.fill.min(), bank_mean=bank.fill.mean())
        return {**super().scalars(model), **fill}

    def class_scalars(self, model: TeacherStudentSegmentor) -> dict[str, Tensor]:
        """Those of every teacher, and the fill of each bank."""
        bank = _bank(model)
        return {**super().class_scalars(model), **({} if bank is None else dict(bank=bank.fill))}


def _bank(model: nn.Module) -> MemoryBank | None:
    """The banks of a model; an ablation without the contrastive loss has none."""
    return next((part for part in model.modules() if isinstance(part, MemoryBank)), None)
