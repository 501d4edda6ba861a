"""``python -m exopsy``."""

from __future__ import annotations

import sys

from exopsy.cli.main import main

sys.exit(main())
