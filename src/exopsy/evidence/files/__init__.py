"""Files that are read whole: one module a kind, listed in ``evidence.registry.FILE_FORMATS``."""
