"""`python -m limner.testing cases|identity|bad-inputs FILE`: known-answer cases against this product.

Each prints every failure and ends with `N passed, M failed`; the exit code is 1 when anything failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from limner.errors import LimnerError
from limner.testing import bad_inputs, cases, identity
from limner.testing.session import WorkspaceSession


def main() -> int:
    """The exit code: 0 when everything passed."""
    parser = argparse.ArgumentParser(prog="python -m limner.testing", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in ("cases", "identity"):
        kinds.add_parser(kind).add_argument("file", type=Path)
    bad = kinds.add_parser("bad-inputs")
    bad.add_argument("file", type=Path)
    bad.add_argument("--url", required=True, help="a running server, as `limner serve` prints it")
    bad.add_argument("--admin-key", required=True, help="from `limner key add --role admin`")
    bad.add_argument(
        "--surface", action="append", default=[], help="only these surfaces; default: all that can be run"
    )
    given = parser.parse_args()
    try:
        if given.kind == "cases":
            _passed, failed = cases.run(given.file, WorkspaceSession)
        elif given.kind == "identity":
            failed = len(identity.run(given.file, WorkspaceSession)[1])
        else:
            _passed, failed = bad_inputs.run(
                given.file, given.url, given.admin_key, surfaces=given.surface or None
            )
    except (LimnerError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
