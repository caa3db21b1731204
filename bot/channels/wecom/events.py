"""Event classes that wechatpy 2.0.0a26 lacks, or whose fields it lacks, beside its own.

Defining a class registers it: the SDK keeps one class per event name, and the last one wins. Imported by
parsing.py only. Sources: WeCom docs 94670, 97712 (kf), 90240 (app events), 92130 (customer events).
"""

from __future__ import annotations

from wechatpy.fields import BaseField, IntegerField, StringField
from wechatpy.work import events


class KfMsgOrEvent(events.BaseEvent):  # type: ignore[misc]
    """Something waits in a kf account's log (94670). The SDK's class does not know the account."""

    event = "kf_msg_or_event"
    token = StringField("Token")
    open_kfid = StringField("OpenKfId")


class KfAccountAuthChange(events.BaseEvent):  # type: ignore[misc]
    """Accounts were given to or taken from this app (97712); both nodes may repeat."""

    event = "kf_account_auth_change"
    added = BaseField("AuthAddOpenKfId")
    removed = BaseField("AuthDelOpenKfId")


class ChangeContact(events.BaseEvent):  # type: ignore[misc]
    """A member, department or tag changed (90240)."""

    event = "change_contact"
    change_type = StringField("ChangeType")
    user_id = StringField("UserID")
    new_user_id = StringField("NewUserID")
    department_id = StringField("Id")
    tag_id = StringField("TagId")


class ChangeExternalChat(events.ChangeExternalChatEvent):  # type: ignore[misc]
    """A customer group changed (92130); the SDK's class has no member list and no versions."""

    event = "change_external_chat"
    members = BaseField("MemChangeList")
    last_member_version = StringField("LastMemVer")
    member_version = StringField("CurMemVer")


class TemplateCardEvent(events.BaseEvent):  # type: ignore[misc]
    """A button of a card was tapped (90240)."""

    event = "template_card_event"
    agent = IntegerField("AgentID", 0)
    key = StringField("EventKey")
    task_id = StringField("TaskId")
    card_type = StringField("CardType")
    response_code = StringField("ResponseCode")
    selected_items = BaseField("SelectedItems")


class TemplateCardMenuEvent(TemplateCardEvent):
    """The menu in a card's corner was used (90240)."""

    event = "template_card_menu_event"


class MsgauditNotify(events.BaseEvent):  # type: ignore[misc]
    """New archived conversations wait."""

    event = "msgaudit_notify"
    agent = IntegerField("AgentID", 0)


class BatchJobResult(events.BatchJobResultEvent):  # type: ignore[misc]
    """A batch job is done. The SDK's export event takes this name and loses err_code."""

    event = "batch_job_result"
