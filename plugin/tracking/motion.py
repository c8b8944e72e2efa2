"""Where an animal will be: a Kalman filter of constant velocity, in seconds and sizes.

All four coordinates (centre and size) have noise in proportion to the size of the animal, so that
one covariance of position and velocity, in sizes, serves them all.
"""
from typing import Any

import numpy as np

MEASURED = 0.05 ** 2  # variance of a place that was found, in sizes squared
ACCELERATION = 0.6  # density of the noise that changes velocities, sizes^2 / s^3
FIRST_SPEED = 1.0  # standard deviation of the velocity of what was seen once, sizes / s


class Motion:
    """Centre and size of an animal, and how they change.

    Args:
        place (np.ndarray): x, y of the centre, width and height, in pixels.
    """

    def __init__(self, place: np.ndarray) -> None:
        self.place = np.asarray(place, float)
        self.velocity = np.zeros(4)
        self.covariance = np.diag([MEASURED, FIRST_SPEED ** 2])

    @property
    def size(self) -> float:
        """Side in pixels of a square as large as the box."""
        return float(np.sqrt(np.maximum(self.place[2:], 1).prod()))

    def predict(self, seconds: float) -> None:
        """Go on for a while, 0 or more seconds."""
        self.place = self.place + seconds * self.velocity
        self.place[2:] = np.maximum(self.place[2:], 1)
        step = np.array([[1, seconds], [0, 1]])
        noise = np.array([[seconds ** 3 / 3, seconds ** 2 / 2], [seconds ** 2 / 2, seconds]])
        self.covariance = step @ self.covariance @ step.T + ACCELERATION * noise

    def update(self, place: np.ndarray) -> None:
        """Take a place where the animal was found, in pixels as the first one."""
        gain = self.covariance[:, 0] / (self.covariance[0, 0] + MEASURED)
        off = np.asarray(place, float) - self.place
        self.place = self.place + gain[0] * off
        self.velocity = self.velocity + gain[1] * off
        self.covariance = self.covariance - np.outer(gain, self.covariance[0])

    def stop(self) -> None:
        """Forget the velocity."""
        self.velocity = np.zeros(4)

    def state(self) -> dict[str, Any]:
        """What :meth:`of_state` makes the filter of, as JSON can hold it."""
        return dict(place=self.place.tolist(), velocity=self.velocity.tolist(),
                    covariance=self.covariance.tolist())

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> 'Motion':
        """The filter of a :meth:`state`."""
        motion = cls(np.array(state['place']))
        motion.velocity = np.array(state['velocity'])
        motion.covariance = np.array(state['covariance'])
        return motion
