"""What all methods with a student, and in most of them its teacher, have in common."""
from typing import Any

from mmengine.model import BaseModel
from torch import Tensor, nn

from plugin.utils import UserError

from .ema import copy_weights, ema_update
from .networks import frozen_copy
from .settings import merge_settings


class TeacherStudent(BaseModel):
    """A student and its teacher, the moving average of it; the base beside that of a framework.

    The state of the training comes from a hook, which sets :attr:`progress`,
    :attr:`unsupervised_progress` and :attr:`warming_up` before each iteration and calls
    :meth:`update_teacher` after it. A
    checkpoint of one network alone, as supervised training leaves it, is loaded into student and
    teacher. A sub-class calls :meth:`_take_student` once.

    Attributes:
        networks (tuple[str, ...]): Names of the networks that can predict.
        wrapped (str): Key of the config under which the network stands, and what it is called.
        predict_on (str): One of :attr:`networks`.
        progress (float): ``t / T``, the share of the training that is done.
        unsupervised_progress (float): The share that is done of what follows the warm-up: a weight
            that rises with it begins where unlabelled images begin to count.
        warming_up (bool): Whether only the labelled images count yet.
        statistics (dict[str, Tensor]): Numbers of the last step for the log.
        keep_images (bool): Whether the next steps set :attr:`images`.
        images (dict[str, Tensor]): What is drawn of the last step.
    """

    has_teacher = True
    networks: tuple[str, ...] = ('teacher', 'student')
    wrapped = 'segmentor'
    # the settings of `unsupervised`, with their defaults
    settings: dict[str, Any] = dict(weight=1.)

    # networks of the framework, whose parts differ
    student: Any
    teacher: Any

    def _take_student(self, student: nn.Module, unsupervised: dict | None,
                      predict_on: str | None) -> None:
        """Set the student, its teacher and the settings.

        Raises:
            UserError: If ``predict_on`` or a setting of ``unsupervised`` is unknown.
        """
        self.unsupervised = merge_settings(self.settings, unsupervised, 'unsupervised')
        self.predict_on = predict_on or self.networks[0]
        if self.predict_on not in self.networks:
            raise UserError(f'predict_on={predict_on!r} is unknown in {type(self).__name__}: use '
                            f'{" or ".join(map(repr, self.networks))}')
        self.student = student
        if self.has_teacher:
            self.teacher = frozen_copy(student)
        self.progress = 0.
        self.unsupervised_progress = 0.
        self.warming_up = False
        self.keep_images = False
        self.statistics: dict[str, Tensor] = {}
        self.images: dict[str, Tensor] = {}

    def averages(self) -> list[tuple[nn.Module, nn.Module]]:
        """Pairs ``(average, source)`` that the teacher consists of."""
        return [(self.teacher, self.student)]

    def reset_teacher(self) -> None:
        """Make the teacher a copy of the student, with memory of its own."""
        if self.has_teacher:
            for average, source in self.averages():
                copy_weights(average, source)

    def update_teacher(self, decay: float) -> None:
        """Move the teacher: ``decay * teacher + (1 - decay) * student``, buffers as well."""
        if self.has_teacher:
            for average, source in self.averages():
                ema_update(average, source, decay)

    @property
    def predictor(self) -> Any:
        """The network that predicts."""
        return getattr(self, self.predict_on)

    def train(self, mode: bool = True) -> 'TeacherStudent':
        """Set the mode of the student; a teacher always stays in evaluation mode."""
        super().train(mode)
        if self.has_teacher:
            for average, _ in self.averages():
                average.eval()
        return self

    def init_weights(self) -> None:
        """Initialise the student, and give the teacher the same weights."""
        super().init_weights()
        self.reset_teacher()

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args) -> None:
        own = tuple(f'{prefix}{name}.' for name, _ in self.named_children())
        if not any(key.startswith(own) for key in state_dict):
            for key in [key for key in state_dict if key.startswith(prefix)]:
                value = state_dict.pop(key)
                for name in ('student', 'teacher') if self.has_teacher else ('student', ):
                    state_dict[f'{prefix}{name}.{key[len(prefix):]}'] = value
        super()._load_from_state_dict(state_dict, prefix, *args)
