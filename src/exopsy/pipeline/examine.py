"""A collection -> a case: the only place that knows all stages, and hands their documents round."""

from __future__ import annotations

import shutil
from pathlib import Path

from exopsy.pipeline.bundle import load_bundle
from exopsy.pipeline.gathering import Gathering
from exopsy.pipeline.progress import Progress
from exopsy.pipeline.run import Run
from exopsy.pipeline.settings import RunSettings
from exopsy.schema.case import CaseDocument, encode_case
from exopsy.sources.collection import open_collection
from exopsy.store.case_folder import CASE_FILE, REPORT_FILE
from exopsy.store.tables import FOLDER, write_case_tables


def examine(settings: RunSettings, progress: Progress) -> CaseDocument:
    """Examine a collection and write the case folder.

    Raises:
        CollectionError: the collection can't be opened, or holds nothing at all.
        ContentError: our own content is damaged.
    """
    progress.stage("loading rules")
    bundle = load_bundle(settings.content, settings.cache, settings.selection, settings.workers)
    work = settings.case / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        collection = open_collection(
            settings.collection,
            passwords=settings.passwords,
            limits=settings.limits,
            spool=work / "spool",
            gives=bundle.disk_places.gives,
        )
        with collection:
            run = Run(settings, bundle, collection, progress, work)
            try:
                reading = Gathering(run).read()
                from exopsy.pipeline.telling import Telling  # while others read, where others do

                case = Telling(run, reading).case()
            finally:
                run.close()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress.stage("writing the case")
    _write(case, settings.case, settings.cache)
    return case


def _write(case: CaseDocument, folder: Path, cache: Path | None) -> None:
    from exopsy.reports.html import render_html  # while others read, where others do

    write_case_tables(case, folder / FOLDER)
    (folder / REPORT_FILE).write_text(render_html(case, cache), encoding="utf-8", newline="\n")
    (folder / CASE_FILE).write_bytes(encode_case(case))
