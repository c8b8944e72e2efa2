"""An outlined instance of which only the part with pixels is kept."""
from dataclasses import dataclass
from typing import Optional

import cv2
import numpy as np
from pycocotools import mask as coco_mask


# masks cannot be compared as a whole, so that two detections are equal if they are the same one
@dataclass(frozen=True, eq=False)
class Detection:
    """One instance in an image of H x W pixels.

    Attributes:
        label (int): Class id.
        score (float): Confidence, 0..1.
        left (int): Column of the image at which the mask begins.
        top (int): Row of the image at which the mask begins.
        mask (np.ndarray): ``(h, w)`` bool, no larger than the instance.
    """

    label: int
    score: float
    left: int
    top: int
    mask: np.ndarray

    @classmethod
    def from_mask(cls, label: int, score: float, mask: np.ndarray, left: int = 0,
                  top: int = 0) -> Optional['Detection']:
        """Cut the instance out of a mask.

        Args:
            label (int): Class id.
            score (float): Confidence, 0..1.
            mask (np.ndarray): ``(H, W)`` bool, of the image or a tile of it.
            left (int): Column of the image at which the mask begins.
            top (int): Row of the image at which the mask begins.

        Returns:
            Detection: The instance, or None if the mask has no pixel.
        """
        # a view costs nothing, and OpenCV knows no bool
        x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask, bool).view(np.uint8))
        if width == 0:
            return None
        # a copy, so that the large mask can go
        crop = mask[y:y + height, x:x + width].copy()
        return cls(int(label), float(score), left + x, top + y, crop)

    @property
    def area(self) -> int:
        """Pixels of the mask."""
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels."""
        return self.left, self.top, self.mask.shape[1], self.mask.shape[0]

    def whole_mask(self, height: int, width: int) -> np.ndarray:
        """The mask in the image, ``(height, width)`` bool."""
        whole = np.zeros((height, width), bool)
        whole[self.top:self.top + self.mask.shape[0],
              self.left:self.left + self.mask.shape[1]] = self.mask
        return whole

    def rle(self, height: int, width: int) -> dict:
        """Compressed run lengths in the image, without a mask of the image's size.

        Args:
            height (int): H of the image in pixels.
            width (int): W of the image in pixels.

        Returns:
            dict: ``size`` [H, W] and ``counts`` as str, the same as pycocotools encodes.
        """
        # run lengths go down the columns: runs begin and end where a column changes
        steps = np.diff(np.pad(self.mask.T.view(np.int8), ((0, 0), (1, 1))), axis=1)
        starts, ends = ((self.left + column) * height + self.top + row
                        for column, row in (np.nonzero(steps == 1), np.nonzero(steps == -1)))
        # a run down to the last row goes on at the top of the next column
        apart = starts[1:] != ends[:-1]
        bounds = np.stack([starts[np.append(True, apart)], ends[np.append(apart, True)]], axis=1)
        counts = np.diff(bounds.ravel(), prepend=0, append=height * width)
        counts = counts[:-1] if counts[-1] == 0 else counts
        code = coco_mask.frPyObjects(dict(size=[height, width], counts=counts.tolist()),
                                     height, width)
        return dict(size=[height, width], counts=code['counts'].decode('ascii'))
