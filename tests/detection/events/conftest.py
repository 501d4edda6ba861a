from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# --import-mode=importlib leaves the tests' folder out of sys.path
if "law_of_events" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "law_of_events", Path(__file__).parent / "law_of_events.py"
    )
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["law_of_events"] = _module
    _spec.loader.exec_module(_module)
