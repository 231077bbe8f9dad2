"""300,000 personal messages: people → values → text, each held against a text made without templates.

`python -m benchmarks.renders --people 300000`
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.workspace.renders import fill, rendered
from tests.workspace.worlds import World

from benchmarks.measure import machine
from limner.types import silent
from limner.workspace.calling import call


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=300_000)
    given = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="limner-bench-") as made:
        world = World(Path(made) / "shop", toml='public_url = "http://shop.example"\n')
        file, mapping = fill(world.folder, given.people)
        call(world.workspace, "import", {"file": str(file), "map": str(mapping)}, silent)
        found = rendered(world.workspace)
        world.close()
    written = sum(found.variants.values())
    rate = found.people / found.seconds
    print(f"{written:,} messages for {found.people:,} people in {found.seconds:.1f} s: {rate:,.0f} a second")
    print(f"by variant {dict(found.variants)}; without {dict(found.without)}")
    print(f"{len(found.wrong)} differ from what they must be", *found.wrong, sep="\n")


if __name__ == "__main__":
    main()
