"""One bundle in several precisions, side by side."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any


class TimedModel:
    """A model that remembers how long its calls take, from image to result."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._times: list[float] = []
        model.warmup()

    def __call__(self, image: Any, **options: Any) -> Any:
        started = time.perf_counter()
        result = self._model(image, **options)
        self._times.append((time.perf_counter() - started) * 1000)
        return result

    @property
    def median_ms(self) -> float:
        return median(self._times)


@dataclass
class Precisions:
    """What each gave: ``rows`` in the order in which they were asked for."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, model: Any, result: Any, median_ms: float) -> None:
        name, value = result.headline
        self.rows.append(
            {
                "precision": model.precision,
                "engine": model.engine_name,
                "measure": name,
                "value": value,
                "median_ms": median_ms,
                "result": result.to_dict(),
            }
        )

    def table(self) -> str:
        """For a person. Differences and ratios are against the first row."""
        first = self.rows[0]
        width = max(len(row["engine"]) for row in self.rows)
        lines = [f"precision  {'engine':{width}}  {first['measure']:>8}  change  ms/image  speed"]
        for row in self.rows:
            lines.append(
                f"{row['precision']:9}  {row['engine']:{width}}  {row['value']:8.4f}  "
                f"{row['value'] - first['value']:+.4f}  {row['median_ms']:8.2f}  "
                f"{first['median_ms'] / row['median_ms']:.2f}x"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        return {"precisions": self.rows}
