"""The log: one JSON object per line on standard error, or plain text.

Callers write `log.info("delivery accepted", extra={"action": "delivery_accepted", "delivery": key})`: a
stable action word and keys, never message text. As a net under that rule, anything that looks like a phone,
identity or card number is masked on its way out, whoever wrote it.
"""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

# What a LogRecord carries by itself; everything else came in through `extra`.
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

# Mainland identity numbers (18, the last may be X; 15 of old), bank cards (13 to 19 digits, also in groups
# of four) and mobile numbers (with or without +86). A number inside a longer word, such as a digest, is left.
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z_])(?:"
    r"[1-9]\d{5}(?:19|20)\d{2}\d{7}[0-9Xx]"
    r"|\d{4}(?:[ -]\d{4}){2,3}(?:[ -]\d{1,3})?"
    r"|\d{13,19}"
    r"|(?:\+?86[ -]?)?1[3-9]\d(?:\d{8}|[ -]\d{4}[ -]\d{4})"
    r")(?![0-9A-Za-z_])"
)
# Secrets the platform wants in the address of a call.
_IN_ADDRESS = re.compile(r"((?:access_token|corpsecret|secret|token|code|ticket|msg_signature)=)[^&\s\"']+")
# Fields whose long numbers are times, sizes or our own keys, not people's.
_NUMERIC_FIELDS = frozenset({"action", "event_key", "delivery", "key", "duration_ms"})


def mask(text: str) -> str:
    """Return `text` with phone, identity and card numbers and tokens in addresses replaced by stars."""
    text = _IN_ADDRESS.sub(r"\1***", text)
    return _PERSONAL.sub(lambda found: "*" * (len(found[0]) - 4) + found[0][-4:], text)


class MaskingFilter(logging.Filter):
    """Masks the message and every extra field of a record before it is formatted."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), None
        for name, value in list(vars(record).items()):
            if name not in _OWN_FIELDS and name not in _NUMERIC_FIELDS and isinstance(value, str):
                setattr(record, name, mask(value))
        return True


class _MaskedTraceback:
    """Formats tracebacks with the same masking; their last line often quotes a value."""

    def formatException(self, info: Any) -> str:  # noqa: N802  # logging's own name
        return mask(logging.Formatter.formatException(self, info))  # type: ignore[arg-type]  # mixed into Formatters


class JsonLines(_MaskedTraceback, JsonFormatter):
    """{"at", "level", "action", "message", "logger", …extra} on one line, times in UTC."""

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data["at"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname.lower()
        log_data["action"] = getattr(record, "action", "")
        super().add_fields(log_data, record, message_dict)
        log_data["logger"] = record.name


class TextLines(_MaskedTraceback, logging.Formatter):
    """`09:30:00.123 info  delivery_accepted delivery accepted delivery=…` for people who watch a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
        extra = " ".join(
            f"{name}={value}"
            for name, value in vars(record).items()
            if name not in _OWN_FIELDS and name != "action"
        )
        action = getattr(record, "action", record.name)
        line = f"{at} {record.levelname.lower():<7} {action} {record.getMessage()} {extra}".rstrip()
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(*, level: str, as_json: bool, stream: TextIO | None = None) -> None:
    """Send every log record to `stream` (standard error), masked; replaces what was configured before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(MaskingFilter())
    handler.setFormatter(JsonLines("%(message)s", json_ensure_ascii=False) if as_json else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # A line per request would say what /metrics counts; APScheduler says each tick twice; Alembic tells its plug-ins
    # and every migration of an empty database, which `guanjia migrate` says in a sentence.
    for name in ("aiohttp.access", "apscheduler", "alembic"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
