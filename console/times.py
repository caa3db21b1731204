"""Times as people read them, in the company's zone: 3 分钟前, 昨天 14:03, 11月20日 09:15."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from console.words import Words
from domain.ports import Clock


class Times:
    """Writes times for the pages. `clock`: for how long ago something was."""

    def __init__(self, clock: Clock, zone: ZoneInfo, words: Words) -> None:
        self._clock = clock
        self._zone = zone
        self._words = words

    def ago(self, at: datetime | None) -> str:
        """Return how long ago `at` was, or the day and time when that is easier; empty for None."""
        if at is None:
            return ""
        passed = self._clock.now() - at
        if timedelta(seconds=-60) < passed < timedelta(minutes=1):
            return self._say("now")
        if passed < timedelta(0):
            return self._say("ahead", self.span(-passed))
        if passed < timedelta(hours=12):
            return self._say("ago", self.span(passed))
        return self.moment(at)

    def moment(self, at: datetime | None) -> str:
        """Return the day and time: today only the time, this year without the year."""
        if at is None:
            return ""
        local, today = at.astimezone(self._zone), self._clock.now().astimezone(self._zone)
        days = (today.date() - local.date()).days
        if days == 0:
            return f"{local:%H:%M}"
        if days in (1, -1):
            return self._say("yesterday" if days == 1 else "tomorrow", f"{local:%H:%M}")
        day = self._say("day", str(local.month), str(local.day))
        if local.year != today.year:
            day = self._say("year", str(local.year)) + day
        return f"{day} {local:%H:%M}"

    def full(self, at: datetime | None) -> str:
        """Return the whole time, for tool tips and files: 2026-11-23 10:02:07."""
        return "" if at is None else f"{at.astimezone(self._zone):%Y-%m-%d %H:%M:%S}"

    def day(self, at: datetime, *, before: bool = False) -> str:
        """Return the day alone: 11月23日; with `before`, the day that ends at this midnight."""
        local = at.astimezone(self._zone) - timedelta(days=1 if before else 0)
        return self._say("day", str(local.month), str(local.day))

    def for_input(self, at: datetime) -> str:
        """Return the time as a form's field of type datetime-local holds it."""
        return f"{at.astimezone(self._zone):%Y-%m-%dT%H:%M}"

    def from_input(self, text: str) -> datetime | None:
        """Return the aware time that such a field holds, None when it is malformed."""
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            return None
        return local.replace(tzinfo=self._zone) if local.tzinfo is None else None

    def until(self, at: datetime) -> str:
        """Return how long until a due time, or how long it has been over."""
        left = at - self._clock.now()
        return self._say("left" if left >= timedelta(0) else "over", self.span(abs(left)))

    def is_past(self, at: datetime | None) -> bool:
        """Say whether the time has passed."""
        return at is not None and at < self._clock.now()

    def start_of_today(self) -> datetime:
        """Return today's midnight in the company's zone."""
        local = self._clock.now().astimezone(self._zone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    def span(self, length: timedelta) -> str:
        """Return a length of time in its largest unit: 42 秒, 3 分钟, 5 小时, 2 天."""
        seconds = int(length.total_seconds())
        for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
            if seconds >= size * (2 if unit == "days" else 1):
                return self._say(unit, str(seconds // size))
        return self._say("seconds", str(seconds))

    def wait(self, length: timedelta | None) -> str:
        """Return a waiting time as precisely as it matters: 45 秒, 2.5 分钟, 26 分钟, 3.2 小时; empty for None."""
        if length is None:
            return ""
        seconds = length.total_seconds()
        for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
            if seconds >= size * (2 if unit == "days" else 1):
                count = seconds / size
                return self._say(unit, f"{count:.0f}" if count >= 10 else f"{count:.1f}".removesuffix(".0"))
        return self._say("seconds", f"{seconds:.0f}")

    def _say(self, key: str, *values: str) -> str:
        return self._words.label("time", key).format(*values)
