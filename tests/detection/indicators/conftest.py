from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# --import-mode=importlib leaves the tests' folder out of sys.path
if "sweep_law" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "sweep_law", Path(__file__).with_name("sweep_law.py")
    )
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["sweep_law"] = _module
    _spec.loader.exec_module(_module)
