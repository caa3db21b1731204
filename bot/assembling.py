"""From settings to the values each part takes, so that no part knows the settings table."""

from __future__ import annotations

from datetime import timedelta

from bot import config
from bot.directory import DirectoryRules
from bot.library import LibraryRules
from domain.faq import EntityMode, Line, Thresholds
from domain.hours import Period, ServiceHours
from handlers.context import Institution, Rules
from scheduler.attention_budget import BudgetRules
from scheduler.handover_watch import WatchRules
from scheduler.outbox import OutboxRules
from scheduler.question_watch import QuestionRules, Waits
from store.turns import TurnRules


def service_hours(settings: config.Settings) -> ServiceHours:
    """Return when people serve."""
    service = settings.service
    return ServiceHours(
        zone=service.zone,
        periods=tuple(
            Period(weekday=one.weekday, opens=one.opens, closes=one.closes) for one in service.periods
        ),
        closed_on=frozenset(service.closed_on),
    )


def handler_rules(settings: config.Settings) -> Rules:
    """Return what handlers have to know of the company."""
    company = settings.company
    return Rules(
        hours=service_hours(settings),
        facts={
            "company": company.name,
            "licence": f"{company.licence_name} {company.licence}".strip() if company.licence else "",
            "phone": company.phone,
            "website": company.website,
            "hours": hours_text(service_hours(settings)),
        },
        institutions={
            line: Institution(name=one.name, url=one.url) for line, one in company.institutions.items()
        },
        duty=settings.service.duty,
        capacity=settings.service.capacity,
        restricted=frozenset(settings.desk.require_registration),
        fresh=timedelta(minutes=settings.kf.fresh_minutes),
        complaint_days=settings.service.complaint_days,
        case_days=settings.service.case_days,
        pilot_accounts=frozenset(settings.pilot.accounts),
        pilot_advisors=frozenset(settings.pilot.advisors),
    )


def hours_text(hours: ServiceHours) -> str:
    """Return the opening hours of today's kind of week as a customer reads them: "09:00-12:00, 13:00-18:00"."""
    spans = {(period.opens, period.closes) for period in hours.periods}
    return ", ".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in sorted(spans))


def turn_rules(settings: config.Settings) -> TurnRules:
    """Return when turns are due and when they are late."""
    wait = timedelta(seconds=settings.kf.turn_wait_seconds)
    return TurnRules(wait=wait, longest_wait=3 * wait, fresh=timedelta(minutes=settings.kf.fresh_minutes))


def outbox_rules(settings: config.Settings) -> OutboxRules:
    """Return how the outbox works."""
    outbox = settings.outbox
    return OutboxRules(
        in_flight=outbox.in_flight,
        lease=timedelta(seconds=outbox.lease_seconds),
        max_attempts=outbox.max_attempts,
        repeat_is_refused=settings.wecom.kf_msgid_repeat == "refused",
        fresh=timedelta(minutes=settings.kf.fresh_minutes),
        case_days=settings.service.case_days,
    )


def budget_rules(settings: config.Settings) -> BudgetRules:
    """Return how much attention of one person cards may take."""
    sop = settings.sop
    return BudgetRules(
        zone=settings.service.zone,
        cards_per_day=sop.cards_per_day,
        gap=timedelta(minutes=sop.card_gap_minutes),
        slot=timedelta(minutes=sop.slot_minutes),
        day_card_at=sop.day_card_at,
    )


def watch_rules(settings: config.Settings) -> WatchRules:
    """Return how long customers wait for the person who serves them."""
    service = settings.service
    return WatchRules(
        roster=handler_rules(settings).roster,
        idle=timedelta(minutes=service.idle_minutes),
        stopped=timedelta(minutes=service.stopped_minutes),
        only_accounts=frozenset(settings.pilot.accounts),
    )


def question_rules(settings: config.Settings) -> QuestionRules:
    """Return how long questions wait for the advisor, the co-owner, the supervisor."""
    return QuestionRules(
        hours=service_hours(settings),
        waits=_waits(settings.sop.answer_minutes),
        kf_waits=_waits(settings.service.answer_minutes),
        chat_waits=_waits(settings.service.chat_answer_minutes),
        tells_at_once=True,
        on_duty=settings.service.duty,
        roster=handler_rules(settings).roster,
        complaint_days=settings.service.complaint_days,
    )


def _waits(minutes: tuple[int, int, int]) -> Waits:
    first, second, third = minutes
    return timedelta(minutes=first), timedelta(minutes=second), timedelta(minutes=third)


def directory_rules(settings: config.Settings) -> DirectoryRules:
    """Return when people and groups are read anew."""
    return DirectoryRules(daily_at=settings.people.daily_at, zone=settings.service.zone)


def library_rules(settings: config.Settings) -> LibraryRules:
    """Return how the words are chosen."""
    answering = settings.answering
    return LibraryRules(
        folder=settings.content.folder,
        data_folder=settings.store.data_folder,
        serves_samples=settings.content.serve_samples,
        entity_modes={line: EntityMode(getattr(settings.entity_mode, line.value)) for line in Line},
        by_meaning=answering.by_meaning,
        thresholds=Thresholds(
            answer_at=answering.answer_at,
            answer_at_by_words=answering.answer_at_by_words,
            menu_at=answering.menu_at,
            menu_size=answering.menu_size,
        ),
        hours=service_hours(settings),
        needs_registration=frozenset(Line(line) for line in settings.desk.require_registration),
    )
