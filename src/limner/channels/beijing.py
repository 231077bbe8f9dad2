"""The clock of Chinese platforms: they count days, and so quotas, in Beijing time."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")


def midnight(now: datetime) -> datetime:
    """The next midnight in Beijing, on the clock of `now`: when quotas begin anew."""
    tomorrow = (now.astimezone(ZONE) + timedelta(days=1)).date()
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZONE).astimezone(now.tzinfo)
