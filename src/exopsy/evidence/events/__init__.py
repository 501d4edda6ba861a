"""Event logs: ``.evtx`` and the JSON that exporters make of it -> record texts, and rows of them."""
