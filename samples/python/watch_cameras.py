"""Watches several cameras with one model, and says when one is lost and comes back.

python watch_cameras.py BUNDLE rtsp://10.0.0.2/live rtsp://10.0.0.3/live    # any number; or videos
"""

import sys

import edgecv


def main(bundle: str, *sources: str) -> None:
    model = edgecv.load(bundle)
    model.warmup()
    with edgecv.Live(
        model,
        sources,
        batch=len(sources),
        on_event=lambda change: print(f"{change.source} is {change.state}", file=sys.stderr),
    ) as live:
        for result in live:
            print(f"{result.source}, frame {result.frame}: {result.summary()}")
        ages = live.stats()["ms"].get("age", {})
        print(
            f"results of {len(live.sources)} sources were {ages.get('p95', 0):.0f} ms old at most"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
