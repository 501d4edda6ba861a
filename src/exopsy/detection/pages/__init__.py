"""A page of a web root, as bytes -> what it can do, how it hides it, and how much that weighs.

Nothing here opens a file or runs a page. ``weigh.weigh`` reads the bytes as the server would
(``encodings``, ``page_parts``, ``razor``), undoes what hides its words (``tokens``, ``folding``),
follows what a request can reach (``flow`` with the tables ``sources`` and ``sinks``), and adds up
(``scoring``). ``yara_rules`` runs YARA rules beside it.
"""
