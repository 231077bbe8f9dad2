"""Bell: wakes threads as soon as something came, instead of when they look next."""

from __future__ import annotations

import threading


class Bell:
    """Rung by whoever has something; each listener keeps its own count of rings, so that none is missed."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        """Everybody who waits goes on."""
        with self._rung:
            self._rings += 1
            self._rung.notify_all()

    def wait(self, heard: int, seconds: float) -> int:
        """The number of rings, as soon as it is another than `heard`, at the latest after so many seconds."""
        with self._rung:
            self._rung.wait_for(lambda: self._rings != heard, timeout=seconds)
            return self._rings
