"""Cameras, streams and files through one model: what runs for a year."""

from edgecv.live.pipeline import Live, Step
from edgecv.live.sinks import Sink
from edgecv_runtime.sources.live.states import SourceStatus, State, StateChange

__all__ = ["Live", "Sink", "SourceStatus", "State", "StateChange", "Step"]
