"""Which stored version of each text is served.

Pure. Files and the console's editor both bring versions. What somebody decided in the editor (approved a draft, rolled
back) holds until the file's own text is approved later; without such a decision the file's own version comes first,
then what was approved last. Called by bot/library.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from store.contents import Version

# Kind and key of a text.
Name: TypeAlias = tuple[str, str]


def chosen(
    versions: Iterable[Version], current: Mapping[Name, str], *, serves_samples: bool
) -> list[Version]:
    """Return the version of each text that may be said, one for each text at most.

    `versions`: all that are stored, oldest first. `current`: the digest of each text as the files have it.
    `serves_samples`: the demo, where the files' words need nobody's approval.
    """
    by_name: dict[Name, list[Version]] = defaultdict(list)
    for version in versions:
        by_name[version.kind, version.key].append(version)
    found = (_chosen(known, current.get(name), serves_samples) for name, known in by_name.items())
    return [version for version in found if version is not None]


def _chosen(known: list[Version], current: str | None, serves_samples: bool) -> Version | None:
    decided = [one for one in known if one.approved_by and (one.is_edited or one.is_rollback)]
    latest = max(decided, key=lambda one: one.approval_id, default=None)
    if current is None:
        # A text that was taken out of the files is withdrawn, approved or not; one that began in the editor is not.
        return latest if known[0].is_edited else None
    written = next((one for one in known if one.digest == current), None)
    if latest is not None and not _is_newer(written, latest, serves_samples):
        return latest
    usable = [one for one in known if one.approved_by or (serves_samples and one.digest == current)]
    return max(usable, key=lambda one: (one.digest == current, one.approval_id, one.id), default=None)


def _is_newer(written: Version | None, latest: Version, serves_samples: bool) -> bool:
    """Say whether the file's own text came to be said after what was decided in the editor."""
    if written is None or written.id == latest.id:
        return False
    if written.approved_by:
        return written.approval_id > latest.approval_id
    return serves_samples and latest.approved_at is not None and written.loaded_at > latest.approved_at
