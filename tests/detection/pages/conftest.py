"""Makes the helpers beside the tests importable."""

import importlib.util
import sys
from pathlib import Path

# --import-mode=importlib leaves the tests' folder out of sys.path
for _name, _file in (("page_pieces", "pieces.py"), ("page_tricks", "tricks.py")):
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(_file))
    assert _spec is not None and _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_name] = _module
    _spec.loader.exec_module(_module)
