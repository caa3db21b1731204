"""How hypothesis runs here.

No deadline: two shared cores make single examples slow at random. HYPOTHESIS_PROFILE=long tries harder.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow]
settings.register_profile("usual", deadline=None, max_examples=100, suppress_health_check=_SLOW)
settings.register_profile("long", parent=settings.get_profile("usual"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))
