"""What `edgecv doctor` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    name: str
    state: str  # ok | missing | broken | unsupported: on this GPU
    detail: str
    advice: str | None = None  # what to do where something is missing or broken
    needed: bool = False  # nothing runs without it
