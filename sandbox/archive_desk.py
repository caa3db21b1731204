"""What of the pretend company's talk is archived: who is in the archive's range, who agreed, what the two write down.

Lines of one-to-one chats and customer groups come here as they are shown; sandbox/archive.py encrypts them and puts
them where the stand-in library reads. A customer who was never asked agrees with the first line, as on a phone that
shows the notice. msgaudit_notify goes to the receiver `archive`, every 15 seconds at most (WeCom doc 95039).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.archive import Archive, NoCompiler, compile_library
from sandbox.codes import ApiError, WorldError
from sandbox.corp import Group, Line, LineVia, Relation
from sandbox.limits import Limiter
from sandbox.records import Json

if TYPE_CHECKING:
    from sandbox.world import World

RECEIVER, AGENT_ID = "archive", 2000004
NOTIFY_SECONDS = 15.0
KEY_VERSION = 1
STATUSES = ("Agree", "Disagree", "Default_Agree")
# A line of a page's or an assistant's message → msgtype and fields of the archive.
_WORDS = {
    "link": ("link", {"title": "title", "desc": "description", "url": "link_url", "picurl": "image_url"}),
    "miniprogram": ("weapp", {"title": "title", "appid": "appid", "page": "pagepath"}),
}
_UNKNOWN = "【未知消息类型】"


class ArchiveDesk:
    """The archive of the one company of this world."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self.archive = Archive(folder)
        self.key_file = self.archive.own_key(KEY_VERSION)
        try:
            self.library: Path | None = compile_library(folder)
        except NoCompiler:
            self.library = None
        # (userid, external_userid) or (chat_id, external_userid): status and since when.
        self.words: dict[tuple[str, str], tuple[str, float]] = {}
        self.robots = Limiter(world.clock)
        self._outside: set[str] = set()
        self._notified_at = -NOTIFY_SECONDS
        self._is_planned = False

    @property
    def permitted(self) -> list[str]:
        """The members whose talk is archived: all who may have customers, as long as they are in the company."""
        known = self._world.members.values()
        return sorted(one.userid for one in known if one.follows and one.userid not in self._outside)

    def permit(self, userid: str, is_in: bool) -> None:
        """Take a member into the archive's range, or out of it."""
        if userid not in self._world.members:
            raise WorldError(f"没有成员 {userid}")
        if is_in:
            self._outside.discard(userid)
        else:
            self._outside.add(userid)

    def say(self, subject: str, external_userid: str, status: str) -> None:
        """A customer says to a member (userid) or in a group (chat_id) whether talk may be archived."""
        if status not in STATUSES:
            raise WorldError(f"状态应为 {'、'.join(STATUSES)}")
        now = self._world.now()
        self.words[subject, external_userid] = (status, now)
        if status == "Default_Agree":
            return  # Nobody said anything.
        kind = status.lower()
        is_group = subject in self._world.corp.groups
        self.put(
            {
                "from": external_userid,
                "tolist": [] if is_group else [subject],
                "roomid": subject if is_group else "",
                "msgtype": kind,
                kind: {"userid": external_userid, f"{kind}_time": int(now * 1000)},
            }
        )
        if status == "Agree" and not is_group:
            self._world.emit(
                "change_external_contact",
                ChangeType="msg_audit_approved",
                UserID=subject,
                ExternalUserID=external_userid,
            )

    def heard_chat(self, relation: Relation, line: Line) -> None:
        """Archive a line between a member and a customer."""
        pair = (relation.userid, relation.external_userid)
        if line.via is LineVia.NOTICE or relation.userid not in self.permitted:
            return
        if pair not in self.words:
            self.say(*pair, "Agree")
        if self.words[pair][0] == "Disagree":
            return
        other = pair[1] if line.by == pair[0] else pair[0]
        self._put_line(line, [other], "")

    def heard_group(self, group: Group, line: Line) -> None:
        """Archive a line of a customer group that has an archived member."""
        archived = set(self.permitted)
        if line.via is LineVia.NOTICE or not archived & set(group.members):
            return
        if self.words.get((group.chat_id, line.by), ("", 0.0))[0] == "Disagree":
            return
        self._put_line(line, sorted(set(group.members) - {line.by}), group.chat_id)

    def put(self, message: Json, *, is_external: bool = True) -> str:
        """Archive any message; msgid, action and msgtime are made where they are missing. Return the msgid."""
        milliseconds = int(self._world.now() * 1000)
        suffix = "_external" if is_external else ""
        msgid = str(message.get("msgid") or f"{self._world.next_number():x}_{milliseconds}{suffix}")
        usual: Json = {"msgid": msgid, "action": "send", "roomid": "", "msgtime": milliseconds}
        self.archive.add({**usual, **message, "msgid": msgid})
        self._notify()
        return msgid

    def _put_line(self, line: Line, others: list[str], room: str) -> None:
        msgtype, body = self._body(line)
        self.put(
            {
                "from": line.by,
                "tolist": others,
                "roomid": room,
                "msgtime": int(line.at * 1000),
                "msgtype": msgtype,
                msgtype: body,
            }
        )

    def _body(self, line: Line) -> tuple[str, Json]:
        if line.msgtype == "text":
            return "text", {"content": str(line.body.get("content", ""))}
        if line.msgtype in _WORDS:
            msgtype, names = _WORDS[line.msgtype]
            return msgtype, {there: line.body[here] for here, there in names.items() if here in line.body}
        if media_id := str(line.body.get("media_id", "")):
            return self._file(line.msgtype, media_id)
        return "text", {"content": _UNKNOWN}

    def _file(self, msgtype: str, media_id: str) -> tuple[str, Json]:
        try:
            media = self._world.media.get(media_id, self._world.clock.now())
        except ApiError:
            return "text", {"content": _UNKNOWN}
        told: dict[str, Any] = self.archive.put_file(f"F{self._world.next_number():x}", media.content)
        if msgtype == "file":
            told |= {"filename": media.filename, "fileext": media.filename.rpartition(".")[2]}
        return msgtype, told

    def _notify(self) -> None:
        """Tell that something waits, now or when 15 seconds have passed since the last time."""
        now = self._world.now()
        due = self._notified_at + NOTIFY_SECONDS
        if now < due:
            if not self._is_planned:
                self._is_planned = True
                self._world.agenda.at(due, self._notify_planned)
            return
        self._notified_at = now
        self._world.emit("msgaudit_notify", RECEIVER, AgentID=AGENT_ID)

    def _notify_planned(self) -> None:
        self._is_planned = False
        self._notify()
