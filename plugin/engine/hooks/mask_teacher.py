"""The schedule of a training whose teacher outlines instances."""
from typing import Any

from mmengine.registry import HOOKS

from plugin.models.detectors import MaskTeacher
from plugin.utils import UserError

from ..teaching.instances import draw_pseudo_instances
from ..teaching.number_alarm import NumberAlarm
from .teacher_student import TeacherStudentHook, unwrapped

CURES = dict(
    collapse='lengthen warmup, or lower unsupervised.lowest or unsupervised.sureness',
    flood='raise unsupervised.lowest or lengthen warmup; raise highest_ratio of the hook where '
          'the unlabelled pictures really show more')


@HOOKS.register_module()
class MaskTeacherHook(TeacherStudentHook):
    """A :class:`TeacherStudentHook` that watches how many instances the teacher finds.

    It warns where the pseudo-instances of a picture are far fewer or far more than the labelled
    instances of one, and draws them over the picture as the student saw it. The network that
    predicts is written as ``detector.pth`` and ``best_detector.pth``.

    Args:
        lowest_ratio (float): Warn below so many pseudo-instances for a labelled one; 0 never does.
        highest_ratio (float): Warn above so many.
        **kwargs: Of :class:`TeacherStudentHook`.

    Raises:
        UserError: If a number is out of range.
    """

    def __init__(self, *args: Any, lowest_ratio: float = 0.25, highest_ratio: float = 4.,
                 **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not 0 <= lowest_ratio < highest_ratio:
            raise UserError(f'lowest_ratio={lowest_ratio} and highest_ratio={highest_ratio} are no '
                            'range: give two numbers from 0 on, the smaller one first')
        self._numbers = NumberAlarm(lowest_ratio, highest_ratio)

    def after_train_iter(self, runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Move the teacher; at intervals log, look at the numbers and draw."""
        model = unwrapped(runner)
        if not model.warming_up and 'number_ratio' in model.statistics:
            self._numbers.add(model.statistics['number_ratio'])
        super().after_train_iter(runner, batch_idx, data_batch, outputs)

    def draw(self, runner, model: MaskTeacher) -> None:
        """Draw the pseudo-instances of this step."""
        draw_pseudo_instances(runner, model)

    def _warn(self, runner) -> None:
        super()._warn(runner)
        found = self._numbers.check()
        if found is not None:
            kind, ratio = found
            runner.logger.warning(
                f'the teacher finds {ratio:.2g} instances for each labelled one in a picture: '
                f'{"it may have collapsed" if kind == "collapse" else "it floods the student"}; '
                f'{CURES[kind]}')
