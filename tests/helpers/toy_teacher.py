"""A teacher and a student of a few numbers, in a training of a fraction of a second."""
import copy

import torch
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from plugin.models.semi.ema import copy_weights, ema_update

CLASSES = ('ground', 'cow', 'trough')
PALETTE = [[90, 60, 30], [250, 240, 220], [0, 90, 200]]


@DATASETS.register_module(force=True)
class ToySet(Dataset):
    """Four labelled and eight unlabelled vectors."""

    metainfo = dict(classes=CLASSES, palette=PALETTE)
    sizes = (4, 8)

    def __len__(self):
        return sum(self.sizes)

    def __getitem__(self, index):
        # drawn anew each time, as a transform would
        return torch.rand(2) + index


@MODELS.register_module(force=True)
class ToyTeacherStudent(BaseModel):
    """What the hook needs of a segmentor; it notes what it is told."""

    def __init__(self, has_teacher=True, share=0.5, with_truth=True):
        super().__init__(data_preprocessor=dict(
            type='mmseg.SegDataPreProcessor', mean=[100.] * 3, std=[50.] * 3, bgr_to_rgb=True))
        self.student = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self.has_teacher = has_teacher
        self.predict_on = 'teacher' if has_teacher else 'student'
        if has_teacher:
            self.teacher = copy.deepcopy(self.student).requires_grad_(False).eval()
        self.share, self.with_truth = share, with_truth
        self.statistics, self.images = {}, {}
        self.keep_images = False
        self.told, self.decays = [], []

    def forward(self, inputs, data_samples=None, mode='loss'):
        self.told.append((self.progress, self.warming_up))
        logits = self.student(inputs)
        loss = logits.square().mean() + self.student[0].weight.sum()
        if not self.warming_up:
            # the teacher takes part, so that a wrong one is seen in the student
            if self.has_teacher:
                loss = loss + (logits - self.teacher(inputs)).square().mean()
            self._note()
        return dict(loss=loss)

    def train(self, mode=True):
        super().train(mode)
        if self.has_teacher:
            self.teacher.eval()
        return self

    def train_step(self, data, optim_wrapper):
        with optim_wrapper.optim_context(self):
            losses = self(data)
        optim_wrapper.update_params(losses['loss'])
        return losses

    def val_step(self, data):
        return []

    def _note(self):
        rest = (1 - self.share) / 2
        self.statistics = dict(gamma=torch.tensor(self.progress), lambda_u=torch.tensor(1.25),
                               class_share=torch.tensor([rest, self.share, rest]))
        if self.with_truth:
            self.statistics['pseudo_accuracy'] = torch.tensor(0.75)
        if self.keep_images:
            argmax = torch.arange(12).reshape(3, 4) % 3
            valid = torch.ones(3, 4, dtype=torch.bool)
            valid[2] = False
            self.images = dict(image=torch.zeros(3, 3, 4), entropy=torch.rand(3, 4),
                                 labels=torch.where(argmax == 1, 255, argmax),
                                 argmax=argmax, valid=valid)

    def reset_teacher(self):
        copy_weights(self.teacher, self.student)

    def update_teacher(self, decay):
        self.decays.append(decay)
        ema_update(self.teacher, self.student, decay)


def toy_runner(work_dir, hook=None, model=None, iters=10, accumulate=1, hooks=(), **more):
    """A runner of the toy; ``hook`` are settings of the hook, ``model`` of the model."""
    return Runner(
        model={**dict(type='ToyTeacherStudent'), **(model or {})},
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=4, num_workers=0, dataset=dict(type='ToySet'),
            sampler=dict(type='PairedSampler', batch_size=4),
            collate_fn=dict(type='default_collate')),
        train_cfg=dict(type='ResumableTrainLoop', max_iters=iters, val_interval=1000),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9),
                           accumulative_counts=accumulate),
        custom_hooks=[{**dict(type='TeacherStudentHook'), **(hook or {})}, *hooks],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=2, log_metric_by_epoch=False),
            checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=1),
            param_scheduler=None, sampler_seed=None),
        visualizer=dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')],
                        name=str(work_dir)),
        log_processor=dict(by_epoch=False), log_level='WARNING', randomness=dict(seed=3),
        experiment_name=f'toy-{abs(hash(str(work_dir)))}', **more)
