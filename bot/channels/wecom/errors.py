"""The one place where the platform's error numbers become our exceptions.

Called by client.py with what the platform answered. The platform's text is carried for people and never
decided on. Sources: WeCom docs 90313 (global table), 94670-95122 (kf),
92135 (mass sends), 90236 and 94888 (cards), 91023 (log-in).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from domain import errors

# The platform asks for a new access token; tried once per request (docs 90313, 91039).
STALE_TOKEN = frozenset({40001, 40014, 42001})
RATE_LIMITED = 45009

_CREDENTIALS = STALE_TOKEN | {40013, 41001, 41002, 41004}
_SESSION = frozenset({95013, 95016, 95018})
# Calls that work by an event's code.
_ON_CODE = frozenset({"kf/send_msg_on_event", "externalcontact/send_welcome_msg"})
# Other codes that work once: of a card that was tapped (94888), of a log-in (91023).
_CODES = {
    "message/update_template_card": frozenset({60140}),
    "auth/getuserinfo": frozenset({40029, 42003, 42022}),
}
_SERVICER = frozenset({95014, 95019, 60030, 60253})
_WINDOW = frozenset({95002, 95031})
# Nothing was done, come back: system busy, data conflict, concurrency, still dispatching, attendance.
_BUSY = {
    -1: timedelta(seconds=2),
    6000: timedelta(seconds=1),
    45033: timedelta(seconds=1),
    41063: timedelta(seconds=10),
    41079: timedelta(seconds=10),
    41096: timedelta(seconds=1),
    301022: timedelta(seconds=10),
    RATE_LIMITED: timedelta(minutes=1),
    95094: timedelta(minutes=1),
}
# What to do about the refusals an administrator meets when setting up. For logs, `doctor` and the console.
_ADVICE = {
    40001: "the secret is wrong, or of another app",
    40013: "corp_id is wrong",
    40003: "no such member",
    40007: "the media_id has expired, or is of another kind or upload",
    40014: "the access token is refused again after a renewal; the secret may belong to another corp",
    42001: "the access token expires at once; check this machine's clock",
    41047: "there is no mass send with this msgid, or another app made it",
    41048: "nobody is left whom the mass send could go to: no group of the sender, no friend",
    41055: "100 group welcome templates exist; delete some in the admin console",
    41064: "more than nine attachments",
    41065: "an attachment of a kind that is not allowed",
    41072: "the file was uploaded for another purpose",
    41093: "the mass send was stopped before",
    41094: "the sender was reminded three times within 24 hours",
    42012: "a ticket of the other kind was used: corp and app have their own",
    42014: "the card's task_id is malformed or was used before",
    43012: "the app has no callback address (接收消息), which cards with buttons need",
    45002: "the message is too long",
    48001: "the app has no permission for this API",
    48002: "the app has no permission for this API; grant it in the admin console",
    48006: "the permission was withdrawn for lack of use; grant it again",
    48007: "the kf account is not authorised for this app; add it under 通过API管理微信客服账号",
    50001: "the page's host is not the app's 可信域名",
    50002: "the member is outside the app's visible range",
    60011: "the member is outside the app's visible range",
    60020: "this machine's outgoing address is not in the app's 企业可信IP",
    60030: "the servicer is outside the app's visible range",
    60031: "the app may not call APIs",
    60140: "the card's response code was used or is older than 72 hours",
    60252: "the kf account id is wrong",
    60253: "this member is not a servicer of the account",
    81013: "no recipient is inside the app's visible range",
    84074: "the member may not have customers; enable 客户联系 for them",
    86006: "an internal chat needs 2 to 2,000 members",
    86215: "an internal chat with this id exists",
    95000: "the kf account id is wrong",
    95003: "the corp is not verified (企业认证)",
    95004: "the kf account does not exist or was deleted",
    95011: "the secret does not fit the kf mode",
    95012: "the secret does not fit the kf mode",
    95017: "the API switch of 微信客服 is off for this app",
    95027: "the corp is not verified (企业认证)",
    301002: "the token is not of this agent_id",
    301042: "this machine's address is not among the archive's trusted addresses (可信IP)",
    301052: "the archive's licence has expired",
    301053: "the archive is not enabled for this company, or the secret is not the archive's",
    301059: "this room is not an internal group",
    301060: "more than 100 pairs at once",
    301061: "the member is not archived",
    701008: "the corp has no interface licence (接口许可)",
}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Numbers the documents leave open, as settings.

    `kf_repeat_errcodes`: a kf msgid was used before. `code_used_errcodes`: an event code is used or expired.
    """

    kf_repeat_errcodes: frozenset[int] = frozenset({95100})
    code_used_errcodes: frozenset[int] = frozenset({41050, 41051})


def of_errcode(endpoint: str, errcode: int, errmsg: str, rules: Rules) -> errors.ChannelError:
    """Return the exception for a JSON answer with a number other than 0."""
    text = _text(endpoint, errcode, errmsg)
    if errcode in _BUSY:
        return errors.ChannelBusy(text, retry_after=_BUSY[errcode], errcode=errcode, endpoint=endpoint)
    return _refusal(endpoint, errcode, rules)(text, errcode=errcode, endpoint=endpoint)


def _refusal(endpoint: str, errcode: int, rules: Rules) -> type[errors.ChannelRefused]:
    if errcode in rules.kf_repeat_errcodes and endpoint.startswith("kf/send_msg"):
        return errors.RepeatRefused
    if errcode in rules.code_used_errcodes and endpoint in _ON_CODE:
        return errors.CodeUsed
    if errcode in _CODES.get(endpoint, ()):
        return errors.CodeUsed
    for numbers, kind in _REFUSALS:
        if errcode in numbers:
            return kind
    return errors.ChannelRefused


_REFUSALS: tuple[tuple[frozenset[int], type[errors.ChannelRefused]], ...] = (
    (_CREDENTIALS, errors.ChannelUnauthorised),
    (_SESSION, errors.SessionRefused),
    (_SERVICER, errors.ServicerRefused),
    (frozenset({95001}), errors.BudgetSpent),
    (_WINDOW, errors.WindowClosed),
    (frozenset({95007}), errors.SyncTokenExpired),
)


def of_status(endpoint: str, status: int) -> errors.ChannelError:
    """Return the exception for an HTTP status without the platform's number in the body.

    5xx may come after the act; 3xx and 4xx come from something in between, before it.
    """
    if status >= 500 or status == 200:
        what = f"{endpoint}: HTTP {status} without an errcode; the platform may or may not have acted"
        return errors.ChannelUncertain(what, endpoint=endpoint)
    return unreachable(endpoint, f"HTTP {status} without an errcode; check api_base and the proxy")


def unreachable(endpoint: str, what: str) -> errors.ChannelUnreachable:
    """Return the exception for a call that surely never reached the platform."""
    return errors.ChannelUnreachable(
        f"{endpoint}: {what}", retry_after=timedelta(seconds=5), endpoint=endpoint
    )


def uncertain(endpoint: str, what: str) -> errors.ChannelUncertain:
    """Return the exception for a call that broke after its request had left."""
    return errors.ChannelUncertain(f"{endpoint}: {what}", endpoint=endpoint)


def _text(endpoint: str, errcode: int, errmsg: str) -> str:
    advice = _ADVICE.get(errcode)
    said = errmsg.partition(", more info")[0][:160]
    return (
        f"{endpoint}: errcode {errcode}" + (f": {advice}" if advice else "") + (f" ({said})" if said else "")
    )
