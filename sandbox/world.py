"""The pretend world: accounts, customers, servicers and their chats, and what customers do in them.

sessions.py holds the state machine and the servicers' acts, sending.py what the API sends. Nothing here knows HTTP:
protocol.py and control.py call in, `on_notice` and `on_change` call out (callbacks, live page).
"""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox import media as medias
from sandbox import messages
from sandbox.agenda import Agenda
from sandbox.clock import WorldClock
from sandbox.codes import ApiError, WorldError
from sandbox.corp import Corp, MassTask
from sandbox.logbook import Entry, Logbook
from sandbox.pace import Pace
from sandbox.records import (
    Account,
    AppMessage,
    AppOutbox,
    Bubble,
    Chat,
    Customer,
    EventCode,
    Json,
    Member,
    Scenario,
    Servicer,
    SessionState,
    Via,
    WebShelf,
)
from sandbox.settings import CustomerSettings, Settings
from sandbox.tokens import SyncTokens, TokenDesk

if TYPE_CHECKING:
    from sandbox.archive_desk import ArchiveDesk

WINDOW_SECONDS = 48 * 3600
WELCOME_SECONDS = 20
RECALL_SECONDS = 120
CODES_KEPT = 20_000
PALETTE = ("#5b8ff9", "#61b15a", "#f6a623", "#e8684a", "#6dc8ec", "#9270ca", "#ff9d4d", "#269a99")

Notice = Callable[[str, str], None]  # open_kfid, sync token: the log has something new
Change = Callable[[str, Json], None]  # kind, content: for the live page
Event = Callable[[str, Json], object]  # receiver, fields of the callback's XML
CONTACTS = "contacts"  # the receiver of 客户联系 and of the address book


class World:
    """Everything the pretend WeCom remembers. Not thread-safe: one event loop."""

    def __init__(self, settings: Settings, clock: WorldClock) -> None:
        self.settings = settings
        self.clock = clock
        self.tokens = TokenDesk(settings.corp_id, settings.apps, settings.token_seconds)
        self.sync_tokens = SyncTokens()
        self.media = medias.MediaShelf()
        self.accounts: dict[str, Account] = {}
        self.customers: dict[str, Customer] = {}
        self.servicers: dict[str, Servicer] = {}
        self.members: dict[str, Member] = {}
        self.chats: dict[tuple[str, str], Chat] = {}
        self.desk: dict[tuple[str, str], Chat] = {}  # chats in states 2 and 3, for the servicers' clients
        self.codes: dict[str, EventCode] = {}
        self.links: dict[str, tuple[str, str]] = {}  # enc_scene: (open_kfid, scene)
        self.app_messages: deque[AppMessage] = deque(maxlen=10_000)
        self.app_outbox = AppOutbox()
        self.agenda = Agenda(clock)
        self.pace = Pace(clock)
        self.corp = Corp(settings.corp_name)
        self.web = WebShelf()
        self.archive: ArchiveDesk | None = None
        self.on_event: Event | None = None
        self.on_mass: Callable[[MassTask], None] | None = None  # a mass send awaits confirmation
        self.on_remind: Callable[[MassTask], None] | None = None
        self.on_card: Callable[[str, Json, AppMessage, str], None] | None = (
            None  # receiver, fields, card, userid
        )
        self.on_app_message: Callable[[AppMessage], None] | None = None
        self.on_notice: Notice | None = None
        self.on_change: Change | None = None
        # Numbers and ids grow over restarts, so that cursors and ids a client has stored never come back.
        self._numbers = itertools.count(int(time.time() * 1_000_000))
        self._pages = itertools.count(1)
        self._populate(settings)

    def _populate(self, settings: Settings) -> None:
        for account in settings.accounts:
            self.add_account(account.name, open_kfid=account.open_kfid, managed=account.managed)
        for servicer in settings.servicers:
            self.servicers[servicer.userid] = Servicer(
                userid=servicer.userid,
                name=servicer.name,
                open_kfids=set(servicer.open_kfids),
                receiving=servicer.receiving,
            )
            self.members[servicer.userid] = Member(userid=servicer.userid, name=servicer.name)
        for one in settings.members:
            self.members[one.userid] = Member(
                userid=one.userid,
                name=one.name,
                departments=one.departments,
                leaders=one.leaders,
                position=one.position,
                follows=one.follows,
            )
            self.corp.moods[one.userid] = one.mood
        for customer in settings.customers:
            self._put_customer(customer)

    # -- looking things up ---------------------------------------------------------------------------------------

    def next_number(self) -> int:
        return next(self._numbers)

    def next_page_number(self) -> int:
        return next(self._pages)

    def now(self) -> float:
        """Virtual seconds, as the acts of the agenda know them; what concerns people and groups goes by it."""
        return self.agenda.now()

    def emit(self, event: str, receiver: str = CONTACTS, **fields: Any) -> None:
        """Send an event of the system (FromUserName sys) as a callback."""
        if self.on_event:
            head = {"FromUserName": "sys", "CreateTime": int(self.now()), "MsgType": "event", "Event": event}
            self.on_event(receiver, head | fields)

    def tell(self, part: str, **content: Any) -> None:
        """Let open pages know that a part of the corp has changed."""
        if self.on_change:
            self.on_change("corp", {"part": part, **content})

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{self.next_number():x}"

    def account(self, open_kfid: str = "") -> Account:
        """The account of this id, or the first one when the id is empty. Raises WorldError."""
        if not open_kfid and self.accounts:
            return next(iter(self.accounts.values()))
        account = self.accounts.get(open_kfid)
        if account is None:
            raise WorldError(f"没有客服账号 {open_kfid or '（一个也没有）'}")
        return account

    def customer(self, external_userid: str) -> Customer:
        customer = self.customers.get(external_userid)
        if customer is None:
            raise WorldError(f"没有客户 {external_userid}")
        return customer

    def servicer(self, userid: str) -> Servicer:
        servicer = self.servicers.get(userid)
        if servicer is None:
            raise WorldError(f"没有接待人员 {userid}")
        return servicer

    def chat(self, external_userid: str, open_kfid: str = "") -> Chat:
        """The chat of a customer with an account, begun when there is none, and settled to the present time."""
        key = (self.account(open_kfid).open_kfid, external_userid)
        chat = self.chats.get(key)
        if chat is None:
            chat = Chat(open_kfid=key[0], customer=self.customer(external_userid))
            self.chats[key] = chat
        self.settle(chat)
        return chat

    def received(self, external_userid: str, open_kfid: str = "") -> list[Bubble]:
        """What the customer got from the account (API, event codes, servicers), in order. Ask it in benches."""
        return self.chat(external_userid, open_kfid).received

    # -- keeping state -------------------------------------------------------------------------------------------

    def settle(self, chat: Chat) -> None:
        """End a session that had no customer message for 48 hours (WeCom doc 94669)."""
        if chat.state is not SessionState.ENDED and self.clock.now() - chat.last_customer_at > WINDOW_SECONDS:
            self.set_state(chat, SessionState.ENDED)

    def settle_desk(self) -> None:
        """Settle every chat a servicer's client shows."""
        for chat in list(self.desk.values()):
            self.settle(chat)

    def settle_all(self) -> None:
        """Settle every chat, for a page that shows them; no call of the protocol needs it."""
        for chat in list(self.chats.values()):
            self.settle(chat)

    def set_state(self, chat: Chat, state: SessionState, servicer_userid: str = "") -> None:
        if state is SessionState.NEW:
            chat.coded_states.clear()
        if state is SessionState.WAITING:
            chat.waiting_since = self.clock.now()
        chat.state = state
        chat.servicer_userid = servicer_userid
        key = (chat.open_kfid, chat.customer.external_userid)
        if state in (SessionState.WAITING, SessionState.SERVICER):
            self.desk[key] = chat
        else:
            self.desk.pop(key, None)
        self.tell_chat(chat)

    def new_code(self, chat: Chat, scenario: Scenario) -> str:
        """A single-use event code for the present state of `chat`."""
        brief = scenario in (Scenario.WELCOME, Scenario.ENDED)
        code = self.new_id("WC" if scenario is Scenario.WELCOME else "MC")
        self.codes[code] = EventCode(
            scenario=scenario,
            chat=chat,
            expires_at=self.clock.now() + (WELCOME_SECONDS if brief else WINDOW_SECONDS),
            state=None if scenario is Scenario.WELCOME else chat.state,
        )
        if len(self.codes) > CODES_KEPT:
            del self.codes[next(iter(self.codes))]
        return code

    def log(self, open_kfid: str, message: Json) -> None:
        """Append a message to the account's log and announce it by a callback."""
        number = self.next_number()
        now = self.clock.now()
        account = self.accounts[open_kfid]
        account.log.append(Entry(number=number, at=now, message={"send_time": int(now), **message}))
        if self.on_notice:
            self.on_notice(open_kfid, self.sync_tokens.issue(open_kfid, now))

    def log_event(self, open_kfid: str, event_type: str, **fields: Any) -> None:
        """Append an event (origin 4); its ids stand inside `event`."""
        event = {"event_type": event_type, "open_kfid": open_kfid, **fields}
        self.log(open_kfid, {"msgid": self.new_id("e"), "origin": 4, "msgtype": "event", "event": event})

    def show(self, chat: Chat, via: Via, msgid: str, msgtype: str, body: Json, **more: Any) -> Bubble:
        """Add a line to the chat as the phone shows it."""
        bubble = Bubble(
            number=self.next_number(),
            at=self.clock.now(),
            via=via,
            msgid=msgid,
            msgtype=msgtype,
            body=body,
            media=self.media.describe(str(body.get("media_id", ""))),
            **more,
        )
        chat.bubbles.append(bubble)
        if msgid:
            chat.by_msgid[msgid] = bubble
        if via in (Via.API, Via.EVENT, Via.SERVICER) and bubble.undelivered is None:
            chat.received.append(bubble)
        if self.on_change:
            ids = {"open_kfid": chat.open_kfid, "external_userid": chat.customer.external_userid}
            self.on_change("bubble", {**ids, "bubble": bubble.as_json()})
        return bubble

    def note(self, chat: Chat, text: str) -> None:
        """Add a grey line for the reader of the page."""
        self.show(chat, Via.NOTICE, "", "notice", {"content": text})

    def tell_chat(self, chat: Chat) -> None:
        if self.on_change:
            self.on_change("chat", self.chat_json(chat))

    def chat_json(self, chat: Chat) -> Json:
        last = chat.bubbles[-1] if chat.bubbles else None
        return {
            "open_kfid": chat.open_kfid,
            "external_userid": chat.customer.external_userid,
            "nickname": chat.customer.nickname,
            "avatar": chat.customer.avatar,
            "state": int(chat.state),
            "servicer_userid": chat.servicer_userid,
            "sent_since_last": chat.sent_since_last,
            "last_customer_at": chat.last_customer_at if chat.last_customer_at > 0 else None,
            "waiting_since": chat.waiting_since,
            "rejects": chat.customer.rejects,
            "last": last.as_json() if last else None,
        }

    # -- accounts, people ----------------------------------------------------------------------------------------

    def add_account(
        self, name: str, *, open_kfid: str = "", avatar: str = "", managed: bool = True
    ) -> Account:
        open_kfid = open_kfid or self.new_id("wk")
        log = Logbook(f"{self.settings.seed}/{open_kfid}")
        account = Account(open_kfid=open_kfid, name=name, log=log, avatar=avatar, managed=managed)
        self.accounts[open_kfid] = account
        return account

    def add_customer(
        self, nickname: str, *, external_userid: str = "", avatar: str = "", simulated: bool = False
    ) -> Customer:
        """A new WeChat user. Raises WorldError when the id is taken."""
        external_userid = external_userid or self.new_id("wm")
        if external_userid in self.customers:
            raise WorldError(f"客户 {external_userid} 已存在")
        chosen = CustomerSettings(external_userid=external_userid, nickname=nickname, avatar=avatar)
        customer = self._put_customer(chosen)
        customer.simulated = simulated
        if self.on_change and not simulated:
            self.on_change("customer", self.customer_json(customer))
        return customer

    def _put_customer(self, chosen: CustomerSettings) -> Customer:
        customer = Customer(
            external_userid=chosen.external_userid,
            nickname=chosen.nickname,
            avatar=chosen.avatar or PALETTE[len(self.customers) % len(PALETTE)],
            unionid=f"ox{chosen.external_userid}",
        )
        self.customers[chosen.external_userid] = customer
        return customer

    @staticmethod
    def customer_json(customer: Customer) -> Json:
        return {
            "external_userid": customer.external_userid,
            "nickname": customer.nickname,
            "avatar": customer.avatar,
            "rejects": customer.rejects,
        }

    # -- what customers do ---------------------------------------------------------------------------------------

    def customer_says(
        self, external_userid: str, content: str, *, open_kfid: str = "", menu_id: str = ""
    ) -> str:
        """The customer writes text, or taps a menu item when `menu_id` is given; returns the msgid."""
        if not content.strip():
            raise WorldError("不能发送空白消息")
        body = {"content": content, **({"menu_id": menu_id} if menu_id else {})}
        return self.customer_sends(external_userid, "text", body, open_kfid=open_kfid)

    def customer_taps(self, external_userid: str, msgid: str, menu_id: str, *, open_kfid: str = "") -> str:
        """The customer taps the item `menu_id` of the menu `msgid` that was received; returns the new msgid."""
        menu = self.chat(external_userid, open_kfid).by_msgid.get(msgid)
        items = menu.body.get("list", []) if menu else []
        for item in items:
            if item["type"] == "click" and item["click"]["id"] == menu_id:
                content = str(item["click"]["content"])
                return self.customer_says(external_userid, content, open_kfid=open_kfid, menu_id=menu_id)
        raise WorldError("这条菜单里没有这一项")

    def customer_sends(self, external_userid: str, msgtype: str, body: Json, *, open_kfid: str = "") -> str:
        """The customer sends a message of any type, even one the pages do not know; returns the msgid.

        Raises ValueError when the body is not JSON in UTF-8.
        """
        json.dumps(body, ensure_ascii=False).encode()  # refuses now what could not be returned by sync_msg
        chat = self.chat(external_userid, open_kfid)
        now = self.clock.now()
        msgid = self.new_id("m")
        chat.last_customer_at = chat.customer.seen_at = now
        chat.last_customer_msgid = msgid
        chat.sent_since_last = 0
        menu_id = str(body.get("menu_id", ""))
        self.show(chat, Via.CUSTOMER, msgid, msgtype, body, menu_id=menu_id)
        if chat.state is SessionState.ENDED:
            self.set_state(chat, SessionState.NEW)
        else:
            self.tell_chat(chat)
        ids = {"open_kfid": chat.open_kfid, "external_userid": external_userid}
        self.log(chat.open_kfid, {"msgid": msgid, **ids, "origin": 3, "msgtype": msgtype, msgtype: body})
        return msgid

    def customer_sends_media(
        self,
        external_userid: str,
        kind: str,
        content: bytes = b"",
        *,
        filename: str = "",
        open_kfid: str = "",
    ) -> str:
        """The customer sends a picture, voice, video or file; an empty `content` sends a sample. Returns the msgid."""
        sample_name, sample = medias.sample(kind)
        try:
            content_type = medias.check_upload(kind, content or sample)
        except ApiError as error:
            raise WorldError(f"这个文件发不出去：{error}") from error
        name = filename or sample_name
        stored = self.put_media(kind, name, content_type, content or sample)
        return self.customer_sends(external_userid, kind, {"media_id": stored.media_id}, open_kfid=open_kfid)

    def put_media(
        self, kind: str, filename: str, content_type: str, content: bytes, *, scene: int = 0
    ) -> medias.Media:
        return self.media.put(
            medias.Media(
                scene=scene,
                media_id=self.new_id("MEDIA"),
                kind=kind,
                filename=filename,
                content_type=content_type,
                content=content,
                created_at=self.clock.now(),
            )
        )

    def customer_enters(
        self, external_userid: str, *, open_kfid: str = "", scene: str = "", scene_param: str = ""
    ) -> str:
        """The customer opens the chat by a link; returns the welcome code, "" when none is due.

        A code comes only when no welcome was sent and the customer wrote nothing in the last 48 hours (doc 94670).
        """
        chat = self.chat(external_userid, open_kfid)
        now = self.clock.now()
        chat.customer.seen_at = now
        chat.customer.context = {"scene": scene, "scene_param": scene_param}
        quiet = now - max(chat.welcomed_at, chat.last_customer_at) > WINDOW_SECONDS
        code = self.new_code(chat, Scenario.WELCOME) if quiet else ""
        fields = {"external_userid": external_userid, "scene": scene, "scene_param": scene_param}
        self.note(chat, f"通过链接进入会话{f'（场景 {scene}）' if scene else ''}")
        self.log_event(chat.open_kfid, "enter_session", **fields, **({"welcome_code": code} if code else {}))
        return code

    def customer_enters_by_url(self, external_userid: str, url: str) -> str:
        """As customer_enters, by a link that kf/add_contact_way gave, with or without `&scene_param=`."""
        query = url.partition("?")[2].partition("#")[0]
        parts = dict(part.partition("=")[::2] for part in query.split("&") if part)
        if parts.get("enc_scene", "") not in self.links:
            raise WorldError("这个链接不是本沙盒生成的客服链接")
        open_kfid, scene = self.links[parts["enc_scene"]]
        scene_param = parts.get("scene_param", "")
        if len(scene_param.encode()) > 128:
            raise WorldError("scene_param 超过 128 字节")
        return self.customer_enters(
            external_userid, open_kfid=open_kfid, scene=scene, scene_param=scene_param
        )

    def customer_recalls(self, external_userid: str, msgid: str, *, open_kfid: str = "") -> None:
        """The customer takes a message back, within two minutes as in WeChat."""
        chat = self.chat(external_userid, open_kfid)
        bubble = chat.by_msgid.get(msgid)
        if bubble is None or bubble.via is not Via.CUSTOMER or bubble.recalled:
            raise WorldError("没有可以撤回的这条消息")
        if self.clock.now() - bubble.at > RECALL_SECONDS:
            raise WorldError("发送超过 2 分钟的消息不能撤回")
        self.mark_recalled(chat, bubble)
        self.log_event(chat.open_kfid, "user_recall_msg", external_userid=external_userid, recall_msgid=msgid)

    def mark_recalled(self, chat: Chat, bubble: Bubble) -> None:
        bubble.recalled = True
        if self.on_change:
            ids = {"open_kfid": chat.open_kfid, "external_userid": chat.customer.external_userid}
            self.on_change("recalled", {**ids, "msgid": bubble.msgid, "via": bubble.via.value})

    def customer_rejects(self, external_userid: str, rejects: bool = True) -> None:
        """The customer refuses the account's messages: sends succeed and msg_send_fail 10 follows."""
        customer = self.customer(external_userid)
        customer.rejects = rejects
        if self.on_change:
            self.on_change("customer", self.customer_json(customer))

    def fail_next(self, external_userid: str, fail_type: int, times: int = 1) -> None:
        """Let the next sends to this customer be taken and then fail with `fail_type` (0, 1, 2, 4–6, 8, 10–13)."""
        self.customer(external_userid).next_failures.extend([fail_type] * times)


def check_scene(holder: Json) -> str:
    """The `scene` of kf/add_contact_way. Raises ApiError 40058."""
    return messages.text(holder, "scene", most=32, pattern=r"[0-9a-zA-Z_-]*")
