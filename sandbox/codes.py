"""Error codes the sandbox answers with, and the exception that carries one.

Source of numbers: WeCom doc 90313 and the kf pages (94669, 94670, 94677, 95122). 95100 (repeated msgid) is our own
number, because the page does not say what a repeat gets.
"""

from __future__ import annotations

REPEATED_MSGID = 95100

MESSAGES = {
    -1: "system error",
    0: "ok",
    40001: "invalid credential",
    40003: "invalid userid",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid file size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40009: "invalid image size",
    40011: "invalid video size",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40031: "invalid userid list",
    40032: "invalid userid list size",
    40033: "invalid characters",
    40035: "invalid parameter",
    40056: "invalid agentid",
    40058: "invalid request parameter",
    40063: "some parameters are empty",
    40066: "invalid url",
    40074: "invalid safe value for this message",
    40096: "invalid external userid",
    41001: "access_token missing",
    41002: "corpid missing",
    41004: "secret missing",
    41006: "media_id missing",
    41009: "userid missing",
    41011: "agentid missing",
    41050: "invalid or expired code",
    42001: "access_token expired",
    44001: "empty media data",
    44004: "empty content",
    45001: "media size out of limit",
    45002: "message content size out of limit",
    45008: "article count out of limit",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    46004: "user not exist",
    47001: "data format error",
    48002: "api forbidden for no authority",
    60020: "not allow to access from your ip",
    60030: "no privilege to access this user",
    60111: "userid not found",
    81012: "no recipient given",
    81013: "user & party & tag all invalid",
    82002: "party number out of limit",
    82003: "tag number out of limit",
    95000: "invalid open_kfid",
    95001: "reply count limit since the last customer message",
    95002: "more than 48 hours since the last customer message",
    95004: "open_kfid not exist",
    95006: "invalid account name",
    95007: "invalid msgtoken",
    95008: "menu item count out of limit",
    95009: "invalid menu item type",
    95013: "session already ended",
    95014: "user is not a servicer",
    95016: "transition of the session state not allowed",
    95018: "session state does not allow sending",
    95019: "servicer is not receiving",
    95100: "msgid repeated",
    301002: "agentid not match the token",
    301017: "voice must be amr",
    830002: "file too large, use Range",
}


class ApiError(Exception):
    """A refusal with WeCom's errcode, answered as JSON with HTTP status 200."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        message = MESSAGES.get(code, "error")
        super().__init__(f"{message}, {detail}" if detail else message)


class WorldError(Exception):
    """Something a person or a bench asked of the pretend world is impossible there; the text says why, in Chinese."""
