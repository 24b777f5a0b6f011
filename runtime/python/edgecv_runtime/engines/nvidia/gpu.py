"""A GPU: what decides whether an engine runs on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    name: str
    compute_capability: int  # 86 for 8.6
