"""`python -m bot …`: the command line."""

from __future__ import annotations

import sys

from bot import cli

sys.exit(cli.main())
