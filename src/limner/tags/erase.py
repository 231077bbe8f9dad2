"""Takes one person out of everything that tags keep. The published columns are made again by whoever holds them."""

from __future__ import annotations

from limner.engine.seam import Transaction, quoted
from limner.tags import homes, overlay, publish, resolve


def erase(tx: Transaction, ix: int) -> None:
    """No value, point, change or conflict of the person is left; values that only they gave lose their number.

    Nor of those who were merged into them. Their events are gone from the engine by then.
    """
    merged = tx.read("SELECT ix FROM persons WHERE merged_into = $ix ORDER BY ix", {"ix": ix})
    for one in (ix, *merged["ix"].to_pylist()):
        for table in [*publish.tables(tx), "changes"]:
            tx.execute(f"DELETE FROM {quoted(table)} WHERE ix = $ix", {"ix": one})
        resolve.erase(tx, one)
        overlay.erase(tx, one)
    homes.forget(tx)
