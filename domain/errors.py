"""The one tree of errors.

The class docstring is the default message: what happened, and what to do. A caller acts on the class and
its attributes, never on the text. Platform codes become these classes in bot/channels/wecom/errors.py only.
"""

from __future__ import annotations

from datetime import timedelta


class BotError(Exception):
    """Something went wrong that has no better name; see the log line with the same key."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ConfigError(BotError):
    """The configuration has mistakes; run `guanjia check` to see them all."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ContentError(BotError):
    """The content has mistakes; run `guanjia check` to see them all."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class StoreUnavailable(BotError):
    """The database cannot be reached; check store.url and that the server runs."""


class StoreBusy(StoreUnavailable):
    """Another process held the database's write lock for too long; stop it or try again."""


class SchemaOutdated(StoreUnavailable):
    """The database is of another version than this program; run `guanjia migrate`."""


class EnvelopeError(BotError):
    """The callback is not a genuine, well-formed WeCom message.

    `code`: the official library's number (WeCom doc 90968), e.g. -40001 for a wrong signature.
    """

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


class ChannelError(BotError):
    """A call to the platform failed.

    `errcode`: the platform's number, None for network failures. `endpoint`: the API path, e.g. "kf/send_msg".
    """

    def __init__(self, message: str | None = None, *, errcode: int | None = None, endpoint: str = "") -> None:
        self.errcode = errcode
        self.endpoint = endpoint
        super().__init__(message)


class ChannelRefused(ChannelError):
    """The platform refuses this call for good; repeating it cannot help, mend the data or the set-up."""


class ChannelUnauthorised(ChannelRefused):
    """The platform does not accept our credentials; check corp_id and secret, then run `guanjia doctor`."""


class SessionRefused(ChannelRefused):
    """The session's state does not allow this (95013, 95016, 95018); ask for the state and decide anew."""


class ServicerRefused(ChannelRefused):
    """This person cannot take the session now (95014, 95019, 60030, 60253); try the next one."""


class BudgetSpent(ChannelRefused):
    """Five messages were sent since the customer's last one (95001); wait for the next one."""


class WindowClosed(ChannelRefused):
    """More than 48 hours since the customer's last message (95002); only the customer can open it again."""


class CodeUsed(ChannelRefused):
    """The event code (welcome_code, msg_code) was used or has expired; it works once."""


class RepeatRefused(ChannelRefused):
    """The platform has already taken a message with this msgid; the first one counts."""


class SyncTokenExpired(ChannelRefused):
    """The callback's token for sync_msg is bad or older than 10 minutes (95007); sync without it."""


class ChannelBusy(ChannelError):
    """The platform did nothing and asks to come back later.

    `retry_after`: how long to wait before the next try (-1 and 45033: seconds; 45009: the limit's unit).
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after: timedelta,
        errcode: int | None = None,
        endpoint: str = "",
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, errcode=errcode, endpoint=endpoint)


class ChannelUnreachable(ChannelBusy):
    """No connection to the platform could be made, so nothing was sent; check network, proxy and api_base."""


class ChannelUncertain(ChannelError):
    """The connection broke after the request left; the platform may or may not have acted."""


class ActRefused(BotError):
    """Somebody asked for an act of a group's steps that cannot be done now; the message says why, in Chinese."""


class DecisionRefused(BotError):
    """This decision does not follow from where the finding stands; look at it again."""
