"""How often the intervals of a planted campaign effect hold the truth: 95 of 100 are meant.

    python -m benchmarks.effect_coverage [--seeds 200]

Each seed draws a shop's people, holds some out, and lets the campaign lift the chance to buy; who buys spends
a log-normal amount. The truth is what the generator planted, not what it drew.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import numpy as np

from limner.feedback.effects import Arm, Interval, conversions, money


@dataclass(frozen=True)
class Planted:
    """One world: people, held out share, chances without and with the campaign, spending of a buyer."""

    name: str
    people: int
    share: float
    without: float
    with_it: float
    log_mean: float = 4.0
    log_sd: float = 0.6

    @property
    def conversions(self) -> float:
        return self.with_it - self.without

    @property
    def money(self) -> float:
        return self.conversions * math.exp(self.log_mean + self.log_sd**2 / 2)


WORLDS = (
    Planted("lift of 2 points", 20_000, 0.2, 0.05, 0.07),
    Planted("no effect", 20_000, 0.2, 0.05, 0.05),
    Planted("small holdout, rare buying", 10_000, 0.1, 0.02, 0.03),
    Planted("wide spending", 20_000, 0.2, 0.05, 0.07, log_sd=1.2),
)


def arm(n: int, chance: float, world: Planted, random: np.random.Generator) -> Arm:
    """What n people with this chance to buy did."""
    buys = random.random(n) < chance
    spent = np.where(buys, random.lognormal(world.log_mean, world.log_sd, n), 0.0)
    return Arm(n, int(buys.sum()), float(spent.sum()), float((spent * spent).sum()))


def coverage(world: Planted, seeds: int) -> tuple[float, float, int]:
    """The share of seeds whose interval holds the planted conversions, the same of money, and the answers."""
    held = [0, 0]
    answers = 0
    out = round(world.people * world.share)
    for seed in range(seeds):
        random = np.random.default_rng([seed, world.people])
        treated = arm(world.people - out, world.with_it, world, random)
        held_out = arm(out, world.without, world, random)
        made, earned = conversions(treated, held_out), money(treated, held_out)
        if isinstance(made, Interval) and isinstance(earned, Interval):
            answers += 1
            held[0] += made.low <= world.conversions <= made.high
            held[1] += earned.low <= world.money <= earned.high
    return held[0] / max(answers, 1), held[1] / max(answers, 1), answers


def main() -> None:
    """Prints the coverage of each world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    print(f"{'planted':<28} {'answers':>8} {'conversions':>12} {'money':>8}   (95 % is meant; {seeds} seeds)")
    for world in WORLDS:
        of_conversions, of_money, answers = coverage(world, seeds)
        print(f"{world.name:<28} {answers:>8} {of_conversions:>12.1%} {of_money:>8.1%}")


if __name__ == "__main__":
    main()
