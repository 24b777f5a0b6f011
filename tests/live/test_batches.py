"""Which frames run together, and how long they wait for each other."""

from __future__ import annotations

import pytest

from edgecv.live.batches import Batches
from edgecv_runtime import InputError
from edgecv_runtime.sources.live.bell import Bell
from helpers.fake_reader import FakeClock


class FakeSource:
    """Frames that are there, and whether more are to come."""

    def __init__(self, index, frames=(), live=True, expected=True, over=False, failure=None):
        self.name, self.index, self.live = f"source {index}", index, live
        self.frames, self.expected, self._over = list(frames), expected, over
        self.ever_live, self.first_failure = bool(frames), failure
        self.checks = 0

    @property
    def ready(self):
        return min(len(self.frames), 1) if self.live else len(self.frames)

    @property
    def over(self):
        return self._over and not self.frames

    def check(self):
        self.checks += 1

    def take(self):
        return self.frames.pop(0) if self.frames else None


class FakeBell(Bell):
    """Time passes in its waits; `then` is what happens in each."""

    def __init__(self, clock, *then):
        super().__init__()
        self.clock, self.then, self.waits = clock, list(then), []

    def wait(self, seen, timeout_s):
        self.waits.append(round(timeout_s, 6))
        if self.then:
            passed, happens = self.then.pop(0)
            self.clock.now += min(passed, timeout_s)
            happens()
        else:
            self.clock.now += timeout_s
        return seen


def batches(sources, batch=4, max_wait_s=0.01, then=()):
    clock = FakeClock()
    bell = FakeBell(clock, *then)
    return Batches(sources, batch, max_wait_s, bell, clock), bell


def taken(found):
    return [(each.source, each.frame) for each in found[1]]


def test_what_is_ready_runs_at_once_where_nothing_else_is_to_come():
    sources = [FakeSource(0, ["a"]), FakeSource(1, ["b"]), FakeSource(2, expected=False)]
    some, bell = batches(sources)
    assert taken(some.next()) == [(0, "a"), (1, "b")] and bell.waits == []


def test_a_full_batch_does_not_wait():
    sources = [FakeSource(at, ["x"]) for at in range(2)] + [FakeSource(2)]
    some, bell = batches(sources, batch=2)
    assert len(taken(some.next())) == 2 and bell.waits == []


def test_a_frame_waits_for_others_no_longer_than_it_may():
    sources = [FakeSource(0, ["a"]), FakeSource(1)]
    some, bell = batches(sources, max_wait_s=0.01)
    assert taken(some.next()) == [(0, "a")] and bell.waits == [0.01]


def test_a_frame_that_comes_meanwhile_shares_the_run():
    sources = [FakeSource(0, ["a"]), FakeSource(1), FakeSource(2)]
    then = [
        (0.004, lambda: sources[1].frames.append("b")),
        (0.002, lambda: sources[2].frames.append("c")),
    ]
    some, bell = batches(sources, then=then)
    assert taken(some.next()) == [(0, "a"), (1, "b"), (2, "c")]
    assert bell.waits == [0.01, 0.006]


def test_without_a_wait_nothing_waits():
    sources = [FakeSource(0, ["a"]), FakeSource(1)]
    some, bell = batches(sources, max_wait_s=0.0)
    assert taken(some.next()) == [(0, "a")] and bell.waits == []


def test_live_sources_take_turns():
    sources = [FakeSource(at, [f"{at}{n}" for n in range(3)]) for at in range(3)]
    some, _ = batches(sources, batch=2)
    order = [taken(some.next()) for _ in range(3)]
    assert order == [
        [(0, "00"), (1, "10")],
        [(2, "20"), (0, "01")],
        [(1, "11"), (2, "21")],
    ]


def test_a_file_fills_a_batch_in_order():
    some, _ = batches([FakeSource(0, "abcdef", live=False, expected=False, over=True)])
    assert taken(some.next()) == [(0, "a"), (0, "b"), (0, "c"), (0, "d")]
    assert some.next()[0] == 1
    assert some.next() is None


def test_numbers_count_batches():
    some, _ = batches([FakeSource(0, "ab", live=False, over=True)], batch=1)
    assert [some.next()[0], some.next()[0], some.next()] == [0, 1, None]


def test_sources_are_looked_at_while_nothing_comes():
    source = FakeSource(0)
    some, bell = batches([source], then=[(1, lambda: None)] * 3 + [(0, lambda: some.stop())])
    assert some.next() is None
    assert source.checks == 4 and set(bell.waits) == {0.25}


def test_it_ends_with_the_error_where_no_source_was_ever_live():
    error = InputError("source 0: cannot be opened")
    sources = [
        FakeSource(0, over=True, failure=error),
        FakeSource(1, over=True, failure=InputError("source 1: neither")),
    ]
    with pytest.raises(InputError, match="source 0: cannot be opened"):
        batches(sources)[0].next()


def test_it_waits_while_one_source_may_still_come():
    error = InputError("source 0: cannot be opened")
    sources = [FakeSource(0, over=True, failure=error), FakeSource(1)]
    some, _ = batches(sources, then=[(0.1, lambda: sources[1].frames.append("late"))])
    assert taken(some.next()) == [(1, "late")]


def test_it_ends_without_an_error_where_a_file_was_read_to_its_end():
    error = InputError("source 1: cannot be opened")
    sources = [
        FakeSource(0, "a", live=False, over=True),
        FakeSource(1, over=True, failure=error, expected=False),
    ]
    some, _ = batches(sources)
    assert taken(some.next()) == [(0, "a")] and some.next() is None
