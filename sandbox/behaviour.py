"""How people behave by themselves: owners who confirm at once, late, never, or leave; customers who join, talk, go.

Everything is drawn from the sandbox's seed and the name of whoever acts, so that a run can be repeated whatever else
goes on. The rates are ours, for trying and testing; nobody has measured them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from sandbox import address_book, cards, groups, mass_sending, relations
from sandbox.codes import WorldError
from sandbox.corp import Group, MassTask
from sandbox.records import AppMessage
from sandbox.world import World

MINUTE, HOUR, DAY = 60.0, 3600.0, 24 * 3600.0


class Mood(StrEnum):
    """What a member does when a mass send waits or a card with buttons arrives."""

    MANUAL = "manual"  # nothing by himself: a person decides on the page
    PROMPT = "prompt"  # within 1 to 10 minutes
    LATE = "late"  # after 2 to 8 hours, sooner after a reminder
    NEVER = "never"  # not at all
    VANISH = "vanish"  # leaves the corp after 1 to 6 hours
    MIXED = "mixed"  # drawn anew each time from the four above


MIX = ((Mood.PROMPT, 0.63), (Mood.LATE, 0.25), (Mood.NEVER, 0.115), (Mood.VANISH, 0.005))
DELAYS = {
    Mood.PROMPT: (1 * MINUTE, 10 * MINUTE),
    Mood.LATE: (2 * HOUR, 8 * HOUR),
    Mood.VANISH: (1 * HOUR, 6 * HOUR),
}
REMINDED_WITHIN = (5 * MINUTE, 30 * MINUTE)
HEEDS_REMINDER = 0.5
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
TITLES = ("女士", "先生", "阿姨", "老师")
SPEECH = (
    "大家好，刚进群",
    "提前还款要收违约金吗？",
    "谢谢，讲得很清楚",
    "理赔一般要多久呀",
    "收到",
    "课程几点开始？",
    "退保能拿回多少",
    "已经看完了，有帮助",
)


@dataclass(frozen=True, kw_only=True)
class Life:
    """What customers do in a group. Rates are shares of those who join; `speaks` is messages per person and day.

    `friends`: how many of them add the owner as a friend when they join.
    """

    joins: int = 20
    join_hours: float = 24.0
    quits_day1: float = 0.05
    quits_day3: float = 0.05
    quits_week: float = 0.05
    speaks: float = 0.2
    friends: float = 0.0
    days: int = 8


class Behaviour:
    """Plans in the world's agenda what people will do."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.on_mass = self.mass_arrived
        world.on_remind = self.reminded
        world.on_app_message = self.card_arrived

    def set_mood(self, userid: str, mood: str) -> None:
        """From now on the member behaves so. Raises WorldError."""
        address_book.member(self._world, userid)
        if mood not in list(Mood):
            raise WorldError(f"没有这种表现：{mood}")
        self._world.corp.moods[userid] = mood
        self._world.tell("people")

    def mass_arrived(self, task: MassTask) -> None:
        """Each sender takes notice of a new mass send."""
        self._world.pace.arrived()
        for userid in task.parts:
            self._react(userid, task.msgid)

    def reminded(self, task: MassTask) -> None:
        """A late sender may do it now."""
        world = self._world
        world.pace.arrived()
        for userid, part in task.parts.items():
            dice = self._dice(userid)
            if part.confirmed_at is None and self._mood(userid, dice) is Mood.LATE:
                soon = world.now() + dice.uniform(*REMINDED_WITHIN)
                if dice.random() < HEEDS_REMINDER:
                    world.agenda.at(soon, partial(mass_sending.confirm, world, task.msgid, userid))
                    world.pace.expect(soon)

    def card_arrived(self, message: AppMessage) -> None:
        """Each receiver of a card with buttons takes notice."""
        self._world.pace.arrived()
        if message.body.get("card_type") != "button_interaction":
            return
        # The main button (style 1); nobody who means to act taps "later".
        rows = message.body.get("button_list", [])
        keys = [row["key"] for row in rows if row.get("key") and row.get("style", 1) == 1]
        for userid in message.userids if keys else ():
            self._react(userid, message.msgid, key=keys[0])

    def _react(self, userid: str, msgid: str, *, key: str = "") -> None:
        world = self._world
        dice = self._dice(userid)
        mood = self._mood(userid, dice)
        if mood not in DELAYS:
            return
        moment = world.now() + dice.uniform(*DELAYS[mood])

        def act() -> None:
            if mood is Mood.VANISH:
                address_book.remove_member(world, userid)
            elif key:
                cards.tap(world, userid, msgid, key)
            else:
                mass_sending.confirm(world, msgid, userid)

        world.agenda.at(moment, act)
        world.pace.expect(moment)

    def _dice(self, userid: str) -> random.Random:
        asked = self._world.corp.asked
        asked[userid] += 1
        return random.Random(f"{self._world.settings.seed}/{userid}/{asked[userid]}")

    def _mood(self, userid: str, dice: random.Random) -> Mood:
        mood = Mood(self._world.corp.moods.get(userid, Mood.MANUAL))
        if mood is not Mood.MIXED:
            return mood
        return dice.choices([one for one, _ in MIX], [share for _, share in MIX])[0]

    # -- customers -----------------------------------------------------------------------------------------------

    def live(self, chat_id: str, life: Life) -> list[str]:
        """Plan a group's life from now on; returns the external_userids of those who will come."""
        world = self._world
        group = groups.get(world, chat_id)
        dice = random.Random(f"{world.settings.seed}/{group.owner}/{group.name}/{len(group.passages)}")
        coming: list[str] = []
        for number in range(life.joins):
            name = f"{dice.choice(SURNAMES)}{dice.choice(TITLES)}{number + 1}"
            customer = world.add_customer(name, simulated=True)
            coming.append(customer.external_userid)
            self._plan_stay(group, customer.external_userid, life, dice)
        return coming

    def _plan_stay(self, group: Group, who: str, life: Life, dice: random.Random) -> None:
        world, chat_id = self._world, group.chat_id
        joins_at = world.now() + dice.uniform(0, life.join_hours * HOUR)
        world.agenda.at(joins_at, partial(groups.join, world, chat_id, [who]))
        if dice.random() < life.friends:
            world.agenda.at(joins_at, partial(relations.add_friend, world, group.owner, who))
        goes_at = self._goes_at(joins_at, life, dice)
        for day in range(life.days):
            moment = joins_at + (day + dice.random()) * DAY
            words = dice.choice(SPEECH)
            if dice.random() < life.speaks and moment < goes_at:
                world.agenda.at(moment, partial(groups.says, world, chat_id, who, words))
        if goes_at < float("inf"):
            world.agenda.at(goes_at, partial(groups.quit_group, world, chat_id, [who]))

    @staticmethod
    def _goes_at(joins_at: float, life: Life, dice: random.Random) -> float:
        spans = (
            (life.quits_day1, 0.02, 1.0),
            (life.quits_day3, 1.0, 3.0),
            (life.quits_week, 3.0, 7.0),
        )
        draw, found = dice.random(), float("inf")
        for share, first, last in spans:
            moment = joins_at + dice.uniform(first, last) * DAY
            if 0 <= draw < share:
                found = moment
            draw -= share
        return found
