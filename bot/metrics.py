"""Prometheus figures; the names are part of the contract (design.md §5)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The figures of one process. A registry of its own, so that tests may run several houses in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events_accepted = Counter(
            "guanjia_events_accepted", "Callbacks stored.", ["receiver"], registry=self.registry
        )
        self.events_refused = Counter(
            "guanjia_events_refused", "Callbacks refused.", ["receiver", "code"], registry=self.registry
        )
        self.events_processed = Counter(
            "guanjia_events_processed", "Events worked on.", ["kind"], registry=self.registry
        )
        self.events_failed = Counter(
            "guanjia_events_failed", "Events given up.", ["kind"], registry=self.registry
        )
        self.events_waiting_seconds = Gauge(
            "guanjia_events_oldest_unprocessed_seconds",
            "Age of the oldest event that waits.",
            registry=self.registry,
        )
        self.deliveries = Gauge(
            "guanjia_deliveries", "Deliveries by state.", ["state"], registry=self.registry
        )
        self.deliveries_waiting_seconds = Gauge(
            "guanjia_deliveries_oldest_due_seconds",
            "How long the oldest due delivery waits.",
            registry=self.registry,
        )
        self.sync_lag_seconds = Gauge(
            "guanjia_kf_sync_lag_seconds",
            "Since the account was last read.",
            ["account"],
            registry=self.registry,
        )
        self.answers = Counter("guanjia_answers", "Turns by decision.", ["decision"], registry=self.registry)
        self.api_calls = Counter(
            "guanjia_api_calls",
            "Calls by endpoint and errcode.",
            ["endpoint", "errcode"],
            registry=self.registry,
        )
        self.content_reloads = Counter(
            "guanjia_content_reloads",
            "Changed content files, by what became of them.",
            ["result"],
            registry=self.registry,
        )
        self.content_mistakes = Gauge(
            "guanjia_content_mistakes",
            "Mistakes in the content files that are not in use because of them.",
            registry=self.registry,
        )
        self.tick_seconds = Histogram(
            "guanjia_tick_duration_seconds", "Duration of ticks.", ["tick"], registry=self.registry
        )
        self.sop_waiting_seconds = Gauge(
            "guanjia_sop_waiting_seconds",
            "How long the group SOP that is due longest has been waiting for the engine.",
            registry=self.registry,
        )
        self.sop_enrolments = Gauge(
            "guanjia_sop_enrolments",
            "Groups in an SOP that has not ended.",
            ["state"],
            registry=self.registry,
        )
        self.archive_lag_seconds = Gauge(
            "guanjia_archive_lag_seconds",
            "Since the message archive was last read to its end.",
            registry=self.registry,
        )
        self.archive_holds = Gauge(
            "guanjia_archive_holds",
            "Entries of the archive that could not be read.",
            ["reason"],
            registry=self.registry,
        )
        self.archive_files_waiting = Gauge(
            "guanjia_archive_files_waiting",
            "Files of archived messages still to be fetched.",
            registry=self.registry,
        )
        self.archive_restarts = Counter(
            "guanjia_archive_child_restarts",
            "How often the process with the archive's library died.",
            registry=self.registry,
        )
        self.audit_waiting = Gauge(
            "guanjia_audit_waiting", "Talks that are due for the audit.", registry=self.registry
        )
        self.audit_lag_seconds = Gauge(
            "guanjia_audit_lag_seconds",
            "How long the talk that is due longest has been waiting for the audit.",
            registry=self.registry,
        )
        self.audit_messages = Counter(
            "guanjia_audit_messages", "Messages the audit looked at.", registry=self.registry
        )
        self.audit_sessions = Counter(
            "guanjia_audit_sessions", "Sessions the audit wrote, new or changed.", registry=self.registry
        )
        self.audit_red_lines = Counter(
            "guanjia_audit_red_lines", "Red lines the audit suspects.", registry=self.registry
        )
        self.writer_queue = Gauge(
            "guanjia_store_writer_queue", "Callers that wait for the writer.", registry=self.registry
        )

    def text(self) -> bytes:
        """Return the figures in Prometheus' text form."""
        return generate_latest(self.registry)
