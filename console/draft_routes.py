"""The addresses of drafts, their files, gaps and versions (console/routes.py puts them beside the others)."""

from __future__ import annotations

from console import draft_acts, draft_files_page, draft_new_page, draft_trial_page, drafts_page, gaps_page
from console.trials import Trials
from console.visit import Handler


def pages(trials: Trials) -> list[tuple[str, str, Handler]]:
    """Return method, path and handler of each."""
    number = r"{id:\d{1,18}}"
    return [
        ("GET", "/gaps", gaps_page.show),
        ("GET", "/drafts", drafts_page.show_list),
        ("GET", "/drafts/new", draft_new_page.show),
        ("POST", "/drafts/add", draft_new_page.add),
        ("POST", "/drafts/check", drafts_page.check),
        ("POST", "/drafts/import", draft_files_page.take_in),
        ("GET", f"/drafts/{number}", drafts_page.show_one),
        ("GET", f"/drafts/{number}/trial", draft_trial_page.show(trials)),
        ("GET", f"/drafts/{number}/toml", draft_files_page.show_draft),
        ("POST", f"/drafts/{number}/save", drafts_page.save),
        ("POST", f"/drafts/{number}/submit", draft_acts.submit),
        ("POST", f"/drafts/{number}/take-back", draft_acts.take_back),
        ("POST", f"/drafts/{number}/give-back", draft_acts.give_back),
        ("POST", f"/drafts/{number}/approve", draft_acts.approve),
        ("POST", f"/drafts/{number}/withdraw", draft_acts.withdraw),
        ("POST", f"/wordings/{number}/decline", draft_acts.decline_wording),
        ("GET", f"/versions/{number}/toml", draft_files_page.show_version),
        ("GET", "/content-export", draft_files_page.show_all),
        ("POST", "/content/roll-back", draft_acts.roll_back),
        ("POST", "/content/withdraw", draft_acts.stop_text),
    ]
