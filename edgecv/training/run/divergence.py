"""Stops a training whose loss has diverged, and says what to do."""

from __future__ import annotations

import math

from edgecv_runtime import InputError

# A sound run's loss is highest near its start: that of random weights. Single batches may reach
# many times as much (a rare class, a mislabelled image), none a thousand times.
EXPLODED = 1e3


class LossGuard:
    """Looks at the loss of each step.

    Example:
        guard = LossGuard()
        guard.check(loss, epoch=1, step=1, rate=0.002)
    """

    def __init__(self) -> None:
        self.first: float | None = None  # the loss of the first step that was looked at

    def check(self, loss: float, epoch: int, step: int, rate: float) -> None:
        """Raises InputError if the loss is NaN, infinite, or above EXPLODED times the first one (of
        1, if that was lower).

        Args:
            epoch, step: from 1, for the message.
            rate: the learning rate in effect.
        """
        if not math.isfinite(loss):
            raise diverged(f"step {step}: the loss is {loss}", epoch, rate)
        if self.first is None:
            self.first = loss
        if loss > EXPLODED * max(self.first, 1.0):
            what = f"step {step}: the loss has exploded, from {self.first:.3g} to {loss:.3g}"
            raise diverged(what, epoch, rate)


def diverged(what: str, epoch: int, rate: float) -> InputError:
    """The error that ends a run: what was seen, where, and what to do."""
    return InputError(
        f"epoch {epoch}, {what}, at a learning rate of {rate:.3g}; the run is stopped, files of "
        "earlier epochs stay: train again with a lower `learning_rate` (a tenth), and if it "
        "happens at once, check the labels"
    )
