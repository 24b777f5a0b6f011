"""A live source: its states, its slot, and how it is opened again."""

from __future__ import annotations

import itertools
import random
import threading
import time

import numpy as np
import pytest

from edgecv_runtime import InputError
from edgecv_runtime.sources.live.pauses import FIRST_S, LONGEST_S, Pauses
from edgecv_runtime.sources.live.slot import Slot
from edgecv_runtime.sources.live.source import LiveSource
from edgecv_runtime.sources.live.states import State
from helpers.fake_reader import FakeCamera, FakeClock, Heard, NoPauses, shot

GONE = InputError("cam: the camera has gone")


class Stage:
    """A source on a fake camera."""

    def __init__(self, without_times=True, **options):
        self.camera, self.clock, self.pauses = FakeCamera(without_times), FakeClock(), NoPauses()
        self.rings, self.changes = Heard(), Heard()
        self.source = LiveSource(
            "cam",
            self.camera.open,
            silence_s=10.0,
            ring=self.rings,
            tell=self.changes,
            clock=self.clock,
            wall=lambda: 5000.0 + self.clock.now,
            pauses=self.pauses,
            **options,
        )

    def send(self, *items):
        """Hands items to the reader and waits until all frames of them were read."""
        before = self.source.status.frames
        frames = sum(not isinstance(item, Exception) for item in items)
        self.camera.send(*items)
        self.rings.wait_for(lambda _: self.source.status.frames == before + frames)

    def states(self):
        return [str(change.state) for change in self.changes.items]


@pytest.fixture
def stage():
    stages = []

    def make(**options):
        made = Stage(**options)
        stages.append(made)
        return made

    yield make
    for made in stages:
        made.source.stop()
        made.camera.absent = False
        made.camera.send(GONE, GONE, GONE)
        assert made.source.join(10)
        assert made.camera.opened == made.camera.closed


def test_a_slot_holds_the_newest_and_counts_the_others():
    slot = Slot()
    assert slot.take() is None and not slot.filled
    for name in "abc":
        slot.put(name)
    assert slot.filled and slot.take() == "c"
    assert slot.take() is None and slot.dropped == 2


def test_the_newest_frame_is_taken_and_the_others_are_counted(stage):
    live = stage()
    live.source.start()
    live.send(*(shot(level) for level in range(5)))
    frame = live.source.take()
    assert frame.image[0, 0, 0] == 4 and frame.index == 4 and frame.name == "cam"
    assert live.source.take() is None
    status = live.source.status
    assert (status.frames, status.dropped, status.opened) == (5, 4, 1)
    assert (status.state, status.reader, status.decoder) == (State.LIVE, "fake", "none")
    live.send(shot(9))
    assert live.source.take().index == 5 and live.source.status.dropped == 4


def test_a_lost_source_is_opened_again_and_its_numbers_and_times_go_on(stage):
    live = stage(without_times=False)
    live.source.start()
    live.send(shot(position_ms=7000.0))
    live.clock.now += 1.0
    live.send(shot(position_ms=8000.0))
    assert live.source.take().play_ms == 1000.0
    live.clock.now += 2.0
    live.camera.send(GONE)
    live.changes.wait_for(lambda _: live.states()[-1] == "connecting")
    live.clock.now += 3.0
    live.send(shot(position_ms=0.0))
    frame = live.source.take()
    assert (frame.index, frame.time_ms, frame.play_ms) == (2, 6000.0, 6000.0)
    assert frame.captured == live.clock.now and frame.captured_at == 5000.0 + live.clock.now
    live.clock.now += 0.5
    live.send(shot(position_ms=480.0))
    assert live.source.take().play_ms == 6480.0  # by the stream's own clock
    assert live.states() == ["live", "lost", "connecting", "live"]
    lost = live.changes.items[1]
    assert lost.to_dict() == {
        "event": "lost",
        "source": "cam",
        "at": 6003.0,
        "reason": "cam: the camera has gone",
    }
    status = live.source.status
    assert (status.opened, status.reason) == (2, "cam: the camera has gone")
    assert live.pauses.lived == [1.0]


def test_a_source_that_cannot_be_opened_is_tried_until_it_is_there(stage):
    live = stage()
    live.camera.absent = True
    live.source.start()
    live.changes.wait_for(lambda _: live.camera.refused >= 3)
    assert live.source.over and str(live.source.first_failure).endswith("nobody is there")
    live.camera.absent = False
    live.send(shot(3))
    assert not live.source.over and live.source.take().index == 0
    assert live.states()[:3] == ["lost", "connecting", "lost"] and live.states()[-1] == "live"
    assert set(live.pauses.lived[:3]) == {0.0}


def test_a_source_without_frames_is_stalled_and_lives_again(stage):
    live = stage()
    live.source.start()
    live.send(shot())
    live.clock.now += 1.9
    live.source.check()
    assert live.states() == ["live"] and live.source.expected
    live.clock.now += 0.2
    live.source.check()
    live.source.check()
    assert live.states() == ["live", "stalled"] and not live.source.expected
    live.send(shot())
    assert live.states() == ["live", "stalled", "live"]


def test_a_stalled_source_that_its_reader_gives_up_is_lost(stage):
    live = stage()
    live.source.start()
    live.send(shot())
    live.clock.now += 3
    live.source.check()
    live.camera.send(GONE)
    live.changes.wait_for(lambda _: live.states() == ["live", "stalled", "lost", "connecting"])


def test_a_reader_that_hangs_while_it_opens_is_told_of(stage):
    over = threading.Event()
    live = stage()
    opens = live.camera.open

    def hang():
        over.wait(30)
        return opens()

    live.source._opens = hang
    live.source.start()
    live.clock.now += 14
    live.source.check()
    assert live.states() == [] and not live.source.over
    live.clock.now += 2
    live.source.check()
    assert live.states() == ["lost"] and live.source.over
    assert str(live.source.first_failure) == "cam: it has not answered for 16 s"
    over.set()
    live.send(shot())
    assert live.states() == ["lost", "live"] and not live.source.over


def test_what_a_readers_library_raises_does_not_end_the_source(stage):
    live = stage()
    live.source.start()
    live.send(shot())
    live.camera.send(RuntimeError("rtsp://viewer:word@10.0.0.2/ is odd"))
    live.send(shot())
    assert live.source.status.reason == "cam: RuntimeError: rtsp://viewer:***@10.0.0.2/ is odd"
    assert live.source.status.opened == 2


def test_damaged_and_left_out_frames_are_counted(stage):
    live = stage(keep=lambda frame: frame.index % 2 == 0)
    live.source.start()
    live.send(shot(), shot(damaged=True), shot(), shot())
    status = live.source.status
    assert (status.frames, status.left_out, status.broken, status.dropped) == (4, 2, 1, 1)
    assert live.source.take().index == 2


def test_sizes_may_change(stage):
    live = stage()
    live.source.start()
    live.send(shot(size=(4, 6)))
    assert live.source.take().size == (4, 6)
    live.send(shot(size=(8, 12)))
    assert live.source.take().size == (8, 12)


def test_stopping_ends_a_long_pause(stage):
    live = stage()

    class Long:
        def after(self, lived_s):
            return 3600.0

    live.source._pauses = Long()
    live.camera.absent = True
    live.source.start()
    live.changes.wait_for(lambda _: live.states() == ["lost"])
    started = time.monotonic()
    live.source.stop()
    assert live.source.join(10) and time.monotonic() - started < 10


def test_pauses_grow_from_half_a_second_to_thirty():
    class Middle(random.Random):
        def uniform(self, low, high):
            return (low + high) / 2

    pauses = Pauses(Middle())
    found = [pauses.after(0.0) for _ in range(20)]
    away = list(itertools.accumulate(found))
    assert found[:5] == [0.5, 0.5, 0.5, 0.5, pytest.approx(2 / 3)]
    for pause, before in zip(found[4:], away[3:], strict=False):
        assert pause == pytest.approx(min(before / 3, LONGEST_S))
    assert found[-1] == LONGEST_S
    assert pauses.after(0.9) == LONGEST_S  # it died again at once
    assert pauses.after(1.0) == FIRST_S


def test_pauses_differ_by_chance_and_stay_in_their_limits():
    pauses = Pauses(random.Random(3))
    found = np.array([pauses.after(0.0) for _ in range(200)])
    assert found.min() >= 0.8 * FIRST_S and found.max() <= LONGEST_S
    assert len(set(found[30:])) > 50 and 24 <= found[30:].min() < 26
    assert len(set(found[:4])) == 4
