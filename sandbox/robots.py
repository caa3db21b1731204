"""The company's robots (智能机器人) and the internal chats in which members talk to them. Records and rules, no HTTP.

A member writes to a robot in a single chat, or names it with @ in an internal group; what is said there without @
reaches nobody. At most three answers may be under way for one member and robot. Sources: WeCom docs 101039, 100719.
robot_wire.py posts the messages and reads the answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox import address_book
from sandbox.codes import ApiError, WorldError
from sandbox.records import Json
from sandbox.settings import ReceiverSettings
from sandbox.world import World

CONTENT_BYTES, FEEDBACK_BYTES = 20_480, 256
ANSWER_SECONDS = 6 * 60  # the server asks for the rest of an answer for so long
LATE_SECONDS = 3600  # a response_url works once, within an hour
RUNNING_MOST = 3
BEIJING_SECONDS, DAY_SECONDS = 8 * 3600, 86_400
QUESTION_BYTES = 20_000  # our own choice; no page names a size of what a member writes
UNREADABLE = ("image", "file", "video")


@dataclass(kw_only=True, slots=True)
class RobotLine:
    """One message of a chat. `by`: userid, or "" for the robot.

    `running`: the answer still grows; `problem`: why it does not, in Chinese. `asked_by`: whose question it answers.
    `via`: "" by the stream, "welcome", or "late" by response_url.
    """

    number: int
    at: float
    by: str
    msgtype: str
    content: str
    quote: str = ""
    asked_by: str = ""
    stream_id: str = ""
    running: bool = False
    problem: str = ""
    feedback_id: str = ""
    feedback: int = 0
    via: str = ""
    frames: int = 0

    def as_json(self) -> Json:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(kw_only=True, slots=True)
class RobotChat:
    """A single chat (`chat_id` empty) of a member, or an internal group."""

    receiver: str
    chat_id: str
    name: str
    members: tuple[str, ...]
    lines: list[RobotLine] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class LateCode:
    """What stands in a response_url."""

    chat: RobotChat
    asked_by: str
    at: float
    used: bool = False


class Robots:
    """Every robot's chats. One robot for each receiver that has a name for one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.receivers: dict[str, ReceiverSettings] = {
            one.name: one for one in world.settings.receivers if one.robot
        }
        self.single: dict[tuple[str, str], RobotChat] = {}
        self.groups: dict[str, RobotChat] = {}
        self.codes: dict[str, LateCode] = {}
        self.entered_on: dict[tuple[str, str], int] = {}
        for group in world.settings.internal_groups:
            self.groups[group.chat_id] = RobotChat(
                receiver=next(iter(self.receivers), ""),
                chat_id=group.chat_id,
                name=group.name,
                members=group.members,
            )

    def robot(self, receiver: str = "") -> ReceiverSettings:
        """The robot of a receiver, the first one when empty. Raises WorldError."""
        name = receiver or next(iter(self.receivers), "")
        if name not in self.receivers:
            raise WorldError("沙盒里没有智能机器人（[[receiver]] 的 robot 未设置）")
        return self.receivers[name]

    def chat(self, receiver: str, userid: str, chat_id: str = "") -> RobotChat:
        """The chat as this member has it. Raises WorldError for a group the member is not in."""
        robot = self.robot(receiver)
        address_book.member(self.world, userid)
        if chat_id:
            group = self.groups.get(chat_id)
            if group is None or userid not in group.members:
                raise WorldError("不在这个内部群里")
            return group
        key = (robot.name, userid)
        if key not in self.single:
            self.single[key] = RobotChat(receiver=robot.name, chat_id="", name=robot.robot, members=(userid,))
        return self.single[key]

    def running(self, receiver: str, userid: str) -> int:
        """How many answers to this member are under way."""
        chats = [*self.single.values(), *self.groups.values()]
        return sum(
            line.running and line.asked_by == userid
            for chat in chats
            if chat.receiver == receiver
            for line in chat.lines
        )

    def write(
        self, chat: RobotChat, userid: str, content: str, *, msgtype: str = "text", quote: str = ""
    ) -> tuple[RobotLine, RobotLine | None]:
        """A member writes; returns the line, and the one under which the answer will appear (None: not for the robot).

        Raises WorldError for what the client would not send.
        """
        robot = self.robot(chat.receiver)
        if not content.strip() or len(content.encode(errors="replace")) > QUESTION_BYTES:
            raise WorldError("内容为空或太长")
        is_for_robot = not chat.chat_id or f"@{robot.robot}" in content
        if chat.chat_id and msgtype in UNREADABLE:
            is_for_robot = False  # a group passes on only what names the robot
        if is_for_robot and self.running(chat.receiver, userid) >= RUNNING_MOST:
            raise WorldError("同时最多进行三个问答，请等前面的回答完")
        said = self.add(chat, by=userid, content=content, msgtype=msgtype, quote=quote)
        if not is_for_robot:
            return said, None
        answer = self.add(chat, by="", content="", asked_by=userid, running=True)
        return said, answer

    def add(
        self,
        chat: RobotChat,
        *,
        by: str,
        content: str,
        msgtype: str = "text",
        quote: str = "",
        asked_by: str = "",
        running: bool = False,
        via: str = "",
        feedback_id: str = "",
    ) -> RobotLine:
        """Put a line into a chat."""
        line = RobotLine(
            number=self.world.next_number(),
            at=self.world.clock.now(),
            by=by,
            msgtype=msgtype,
            content=content,
            quote=quote,
            asked_by=asked_by,
            running=running,
            via=via,
            feedback_id=feedback_id,
        )
        chat.lines.append(line)
        self.tell()
        return line

    def line(self, chat: RobotChat, number: int) -> RobotLine:
        """A line by its number. Raises WorldError."""
        found = next((one for one in chat.lines if one.number == number), None)
        if found is None:
            raise WorldError("没有这条消息")
        return found

    def new_code(self, chat: RobotChat, userid: str) -> str:
        """A code for a response_url."""
        code = self.world.new_id("RC")
        self.codes[code] = LateCode(chat=chat, asked_by=userid, at=self.world.clock.now())
        return code

    def answer_late(self, code: str, body: Json) -> None:
        """Take the one late answer. Raises ApiError 40029 for a code that is none, was used or is too old.

        The page names no number for that; 40029 is our choice.
        """
        found = self.codes.get(code)
        if found is None or found.used or self.world.clock.now() - found.at > LATE_SECONDS:
            raise ApiError(40029)
        if body.get("msgtype") != "markdown":
            raise ApiError(40008, str(body.get("msgtype")))
        markdown = body.get("markdown")
        content = markdown.get("content") if isinstance(markdown, dict) else None
        if not isinstance(content, str) or not content:
            raise ApiError(44004)
        if len(content.encode(errors="replace")) > CONTENT_BYTES:
            raise ApiError(45002)
        feedback = markdown.get("feedback") if isinstance(markdown, dict) else None
        feedback_id = str(feedback.get("id", "")) if isinstance(feedback, dict) else ""
        found.used = True
        self.add(
            found.chat,
            by="",
            content=content,
            asked_by=found.asked_by,
            via="late",
            feedback_id=feedback_id[:FEEDBACK_BYTES],
        )

    def is_first_entry(self, receiver: str, userid: str) -> bool:
        """Whether the member opens the single chat for the first time today (Beijing); counted."""
        today = int((self.world.clock.now() + BEIJING_SECONDS) // DAY_SECONDS)
        if self.entered_on.get((receiver, userid)) == today:
            return False
        self.entered_on[receiver, userid] = today
        return True

    def tell(self) -> None:
        """Let open pages know."""
        self.world.tell("robot")
