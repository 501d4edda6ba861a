"""Make the small logs of these tests importable."""

import importlib.util
import sys
from pathlib import Path

# --import-mode=importlib leaves the tests' folder out of sys.path
if "event_logs" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "event_logs", Path(__file__).with_name("logs.py")
    )
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["event_logs"] = _module
    _spec.loader.exec_module(_module)
