from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# --import-mode=importlib leaves the tests' folder out of sys.path
if "sieve_law" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "sieve_law", Path(__file__).parents[1] / "pipeline" / "law.py"
    )
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["sieve_law"] = _module
    _spec.loader.exec_module(_module)
