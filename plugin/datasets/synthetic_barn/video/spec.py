"""What a set of videos consists of."""
from dataclasses import asdict, dataclass

from plugin.utils import UserError

from ..folder import check_zoom

# raised when the same seed gives another video than before
DRAWING = 1
_LONGEST = 24 * 3600


@dataclass(frozen=True)
class VideoSpec:
    """Videos of walking animals.

    Args:
        clips (int): Number of videos.
        seconds (float): Length of each.
        rate (float): Frames a second, 1 to 60.
        size (tuple[int, int]): H, W of the frames in pixels, even, each in 64..4096.
        seed (int): The same seed gives the same videos.
        zoom (float): Size of the animals, as of :class:`BarnSpec`.
        animals (float): Mean number of animals in the image, above 0 to 30.

    Raises:
        UserError: If a value makes no video.
    """

    clips: int = 20
    seconds: float = 20.0
    rate: float = 10.0
    size: tuple[int, int] = (240, 320)
    seed: int = 0
    zoom: float = 0.7
    animals: float = 6.0

    def __post_init__(self) -> None:
        if self.clips < 1:
            raise UserError(f'clips={self.clips} makes no data set; ask for at least 1')
        if not 1 <= self.rate <= 60:
            raise UserError(f'rate={self.rate} is no rate of a camera; give 1 to 60 frames a '
                            'second')
        if not self.seconds * self.rate >= 2 or not self.seconds <= _LONGEST:
            raise UserError(f'seconds={self.seconds} at {self.rate} frames a second makes no '
                            'video; give a length of two frames to a day')
        if not all(64 <= side <= 4096 and side % 2 == 0 for side in self.size):
            raise UserError(f'size {self.size[0]}x{self.size[1]} cannot be a video; each side '
                            'must be an even number from 64 to 4096 pixels')
        if self.seed < 0:
            raise UserError(f'seed={self.seed} is negative; give 0 or more')
        if not 0 < self.animals <= 30:
            raise UserError(f'animals={self.animals} do not walk through a barn; give a mean '
                            'number above 0, at most 30')
        check_zoom(self.zoom)

    @property
    def frames(self) -> int:
        """Frames of a video of which none is dropped."""
        return round(self.seconds * self.rate)

    def stamp(self) -> dict[str, object]:
        """The values that decide what a single video shows."""
        values = asdict(self)
        del values['clips']
        return dict(drawing=DRAWING, **values | dict(size=list(self.size)))
