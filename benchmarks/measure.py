"""Side by side in one run: each contestant in turn, several rounds, medians and their ratio."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def compare(
    contestants: Mapping[str, Callable[[], Any]], *, rounds: int, warm: int = 1, each_warm: bool = False
) -> dict[str, float]:
    """Median seconds of each contestant, A B A B …, after `warm` rounds that do not count.

    `each_warm`: each call comes after one of its own that does not count. For short work: what the contestant before
    left in the processor's caches, or took out of them, is nobody's merit.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + warm):
        for name, work in contestants.items():
            if each_warm:
                work()
            began = time.perf_counter()
            work()
            if number >= warm:
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def show(title: str, seconds: Mapping[str, float], *, ours: str, unit: float = 1.0, name: str = "s") -> None:
    """The medians, and ours as a ratio to each other one."""
    print(f"\n{title}")
    for contestant, value in seconds.items():
        print(f"  {contestant:<42} {value * unit:10.3f} {name}")
    for contestant, value in seconds.items():
        if contestant != ours:
            print(f"  ratio {ours} / {contestant}: {seconds[ours] / value:.2f}")


def machine() -> str:
    """Cores, and the peak memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
    return f"{os.cpu_count()} cores, peak {peak:.1f} GiB"
