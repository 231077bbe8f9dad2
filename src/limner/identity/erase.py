"""Takes one person's identifiers out of identity's tables. What is kept elsewhere is for others to erase."""

from __future__ import annotations

from limner.engine.seam import Engine, Transaction


def traces(engine: Engine, ix: int) -> tuple[list[str], list[str]]:
    """(outward ids, words that name only this person), those of people merged into it included."""
    persons = engine.read(
        "SELECT person_id FROM persons WHERE ix = $ix OR merged_into = $ix ORDER BY ix", {"ix": ix}
    )
    words = engine.read(
        "SELECT value FROM identifiers WHERE ix = $ix AND value IS NOT NULL AND (kind <> 'device' OR i NOT IN"
        " (SELECT device_i FROM intervals)) ORDER BY i",
        {"ix": ix},
    )
    return persons.column(0).to_pylist(), [word for word in words.column(0).to_pylist() if word]


def erase(tx: Transaction, ix: int) -> None:
    """The person is erased: no answer finds it, its identifiers keep their numbers but not their values.

    On a device that others use too its turns stay, as bare numbers: what happened in them must not become
    anybody else's.
    """
    tx.execute("UPDATE persons SET erased = true WHERE ix = $ix OR merged_into = $ix", {"ix": ix})
    tx.execute(
        "DELETE FROM claims WHERE b IN (SELECT i FROM identifiers WHERE ix = $ix)"
        " OR (a IN (SELECT i FROM identifiers WHERE ix = $ix) AND what NOT IN ('login', 'alias'))",
        {"ix": ix},
    )
    tx.execute(
        "UPDATE claims SET id = NULL WHERE a IN (SELECT i FROM identifiers WHERE ix = $ix)", {"ix": ix}
    )
    tx.execute("UPDATE identifiers SET value = NULL WHERE ix = $ix", {"ix": ix})
