"""How animals walk through an alley: lanes, pauses, pairs, and turning back. Units and seconds."""
from dataclasses import dataclass, field

import numpy as np

LANE = 60.0  # width of a lane in units; an animal is about 40 wide and 120 long
OUTSIDE = 140.0  # units beyond the image at which animals come and go
WALL = 34.0  # units between a fence and the middle of the nearest lane
HEAD = 0.14  # how far the middle of an outline lies ahead of that of the trunk, in trunk lengths
SPEED_UP, BRAKE = 30.0, 70.0  # units / s^2
TURN = 1.1  # radians / s
PATIENCE = 5.0  # seconds after which an animal squeezes past one that comes towards it
STEP = 0.05  # seconds of one step of the motion


@dataclass
class Halt:
    """Where an animal stops: the ``x`` of its middle, how long, and whether it turns back."""

    x: float
    seconds: float
    back: bool = False


@dataclass(eq=False)
class Walker:
    """One animal on its way.

    Attributes:
        number (int): Its identity, from 1.
        lane (int): Where it wants to walk.
        aside (float): Units to the side of the middle of the lane.
        way (int): 1 to the right, -1 to the left.
        pace (float): Units a second.
        length (float): Of its trunk, in units.
        halts (list[Halt]): Stops to come, in the order of the way.
        beside (Walker, optional): Whom it walks with, and ``offset`` units ahead of.
        x, y, heading, speed: Middle of the trunk in units, radians, units a second.
        waited (float): Seconds at the present halt.
        blocked (float): Seconds since one that comes towards it has been in its way.
    """

    number: int
    lane: int
    aside: float
    way: int
    pace: float
    length: float
    halts: list[Halt] = field(default_factory=list)
    beside: 'Walker | None' = None
    offset: float = 0.0
    x: float = 0.0
    y: float = 0.0
    heading: float = 0.0
    speed: float = 0.0
    waited: float = 0.0
    blocked: float = 0.0
    phase: float = 0.0
    turning: float = 0.0

    @property
    def middle(self) -> np.ndarray:
        """x, y of the middle of the outline, (2,) in units."""
        reach = HEAD * self.length
        return np.array((self.x + reach * np.cos(self.heading),
                         self.y + reach * np.sin(self.heading)))

    @property
    def returns(self) -> bool:
        """Whether it has yet to turn back."""
        return any(halt.back for halt in self.halts)


class Alley:
    """Animals that walk through an alley in both directions; iterate with :meth:`step`.

    Each lane is walked in one direction at a time. Who walks behind keeps a distance; a pair walks
    side by side and touches; some stop, and some of those turn back, on the line or elsewhere.

    Args:
        rng (np.random.Generator): Decides everything.
        extent (tuple[float, float]): Width and height of the image in units.
        walls (tuple[float, float]): Upper and lower end of the alley in units.
        gate (float): x of the line in units.
        crowd (float): Mean number of animals in the image.
    """

    def __init__(self, rng: np.random.Generator, extent: tuple[float, float],
                 walls: tuple[float, float], gate: float, crowd: float) -> None:
        self._rng = rng
        self.width = extent[0]
        self.gate = gate
        room = max(walls[1] - walls[0] - 2 * WALL, 0)
        number = int(room / LANE) + 1
        self.lanes = walls[0] + WALL + (np.arange(number) + 0.5) * room / number
        # seconds that an animal is in the image, roughly
        self._rate = crowd / (self.width / 45 + 4)
        self._next = 1
        self.time = 0.0
        self.walkers: list[Walker] = []

    def step(self, seconds: float = STEP) -> None:
        """Go on by one small step."""
        self.time += seconds
        if self._rng.random() < self._rate * seconds:
            self._arrive()
        for walker in self.walkers:
            self._move(walker, seconds)
        self.walkers = [walker for walker in self.walkers
                        if -OUTSIDE - 20 < walker.way * (walker.x - self.width / 2)
                        + self.width / 2 < self.width + OUTSIDE]

    def _arrive(self) -> None:
        """Let an animal or a pair come, if there is a free lane."""
        way = int(self._rng.choice((-1, 1)))
        free = [self._is_free(lane, way) for lane in range(len(self.lanes))]
        pairs = [lane for lane in range(len(free) - 1) if free[lane] and free[lane + 1]]
        if pairs and self._rng.random() < 0.3:
            self._pair(int(self._rng.choice(pairs)), way)
        elif any(free):
            lane = int(self._rng.choice(np.flatnonzero(free)))
            walker = self._walker(lane, way, float(self._rng.uniform(-5, 5)))
            walker.halts = self._halts(walker)
            self.walkers.append(walker)

    def _is_free(self, lane: int, way: int) -> bool:
        """Whether an animal that walks this way may come into a lane."""
        begin = -OUTSIDE if way > 0 else self.width + OUTSIDE
        return all(other.way == way and not other.returns
                   and abs(other.x - begin) > 1.9 * other.length
                   for other in self.walkers if other.lane == lane)

    def _walker(self, lane: int, way: int, aside: float) -> Walker:
        rng = self._rng
        length = float(rng.uniform(74, 92) if rng.random() < 0.9 else rng.uniform(52, 62))
        walker = Walker(self._next, lane, aside, way, float(rng.uniform(32, 58)), length)
        walker.x = -OUTSIDE if way > 0 else self.width + OUTSIDE
        walker.y = float(self.lanes[lane]) + aside
        walker.heading = 0.0 if way > 0 else np.pi
        walker.speed, walker.phase = walker.pace, float(rng.uniform(0, 2 * np.pi))
        self._next += 1
        return walker

    def _pair(self, lane: int, way: int) -> None:
        """Two animals that touch, on the border of two lanes."""
        first, second = self._walker(lane, way, 0.0), self._walker(lane + 1, way, 0.0)
        apart = 0.235 * (first.length + second.length) * float(self._rng.uniform(0.92, 1.02))
        border = (self.lanes[lane + 1] - self.lanes[lane] - apart) / 2
        first.aside, second.aside = float(border), -float(border)
        for walker in (first, second):
            walker.y = float(self.lanes[walker.lane]) + walker.aside
        second.beside, second.pace = first, first.pace
        second.offset = float(self._rng.uniform(-14, 14))
        second.x += second.offset
        self.walkers += [first, second]

    def _halts(self, walker: Walker) -> list[Halt]:
        """Where a single animal stops: on the line, somewhere, or nowhere."""
        rng = self._rng
        chance = rng.random()
        if chance < 0.25:
            # short of the band in which nobody could say on which side it is
            return [Halt(self.gate + float(rng.uniform(-6, 4)) * walker.way,
                         float(rng.uniform(1.5, 5)), bool(rng.random() < 0.4))]
        if chance < 0.45:
            return [Halt(float(rng.uniform(0.15, 0.85)) * self.width, float(rng.uniform(1, 4)),
                         bool(rng.random() < 0.15))]
        return []

    def _move(self, walker: Walker, seconds: float) -> None:
        wanted = min(self._pace(walker, seconds), self._room(walker, seconds))
        home = self.lanes[walker.lane] + walker.aside \
            + 4 * np.sin(0.02 * walker.x + walker.phase)
        aim = 0.0 if walker.way > 0 else np.pi
        aim += walker.way * float(np.clip(0.02 * (home - walker.y), -0.5, 0.5))
        off = (aim - walker.heading + np.pi) % (2 * np.pi) - np.pi
        if abs(off) > 2.4:
            # about to turn back: towards the middle of the alley
            off = walker.turning * abs(off)
        if abs(off) > 0.7:
            wanted = min(wanted, 7.0)
        elif walker.speed < 2 and wanted < 2:
            off = 0.0
        change = wanted - walker.speed
        walker.speed += float(np.clip(change, -BRAKE * seconds, SPEED_UP * seconds))
        walker.heading += float(np.clip(2.5 * off, -TURN, TURN)) * seconds
        walker.x += walker.speed * seconds * float(np.cos(walker.heading))
        walker.y += walker.speed * seconds * float(np.sin(walker.heading))

    def _pace(self, walker: Walker, seconds: float) -> float:
        """The speed that an animal has in mind."""
        pace = walker.pace
        if walker.beside is not None and walker.beside in self.walkers:
            pace = walker.beside.speed \
                + walker.way * (walker.beside.x + walker.offset - walker.x)
            return float(np.clip(pace, 0, 1.4 * walker.pace))
        if not walker.halts:
            return pace
        halt = walker.halts[0]
        distance = (halt.x - float(walker.middle[0])) * walker.way
        if distance > 1:
            return min(pace, float(np.sqrt(2 * 0.6 * BRAKE * (distance - 1))))
        walker.waited += seconds
        if walker.waited < halt.seconds or walker.speed > 1:
            return 0.0
        if halt.back and not self._may_turn(walker):
            if walker.waited < halt.seconds + 6:
                return 0.0
            halt.back = False
        walker.halts.pop(0)
        walker.waited = 0.0
        if halt.back:
            walker.turning = walker.way * float(np.sign(self.lanes.mean() - walker.y) or 1.0)
            walker.way = -walker.way
        return pace

    def _may_turn(self, walker: Walker) -> bool:
        """Whether nobody is beside or behind, on the way back."""
        return all(other is walker
                   or (abs(other.y - walker.y) > 1.1 * (walker.length + other.length) / 2
                       and other.lane != walker.lane)
                   or (walker.x - other.x) * walker.way < -1.6 * walker.length
                   or (other.lane != walker.lane and abs(other.x - walker.x)
                       > 1.2 * (walker.length + other.length))
                   for other in self.walkers)

    def _room(self, walker: Walker, seconds: float) -> float:
        """The speed at which it does not walk into the one ahead."""
        behind, towards = np.inf, np.inf
        for other in self.walkers:
            ahead = (other.x - walker.x) * walker.way
            beside = abs(other.y - walker.y) > 0.2 * (walker.length + other.length)
            if other is walker or ahead <= 0 or beside or other is walker.beside \
                    or other.beside is walker:
                continue
            gap = ahead - 0.98 * walker.length - 0.66 * other.length
            speed = max(0.0, 1.2 * gap)
            if other.way == walker.way:
                behind = min(behind, speed)
            else:
                towards = min(towards, speed)
        walker.blocked = walker.blocked + seconds if towards < 1 else 0.0
        return float(behind if walker.blocked > PATIENCE else min(behind, towards))
