"""What a collection says of files: there, gone, or nothing that anybody may rely on."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from exopsy.core.content import CONTENT, read_yaml
from exopsy.pipeline.disk_state import DiskState
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.case import Backdoor
from exopsy.schema.row import Origin, Row
from exopsy.sources.layout import drive_path

ROOTS = tuple(
    (disk, url) for disk, url in read_yaml(CONTENT / "mappings" / "web_roots.yml")["web_roots"]
)
WWW = "EX01/C/inetpub/wwwroot"
OWA = "EX01/C/Program Files/Microsoft/Exchange Server/V15/FrontEnd/HttpProxy/owa"
BACK = "EX01/C/Program Files/Microsoft/Exchange Server/V15/ClientAccess/owa"


def facts(path: str, kind: str = "", **more: object) -> ArtifactFacts:
    return ArtifactFacts(
        path=path, kind=kind, host="", size=9, sha256="0" * 64, state="read", **more
    )


def state(*paths: str, late: tuple[Row, ...] = (), tables: tuple[str, ...] = ()) -> DiskState:
    found = [facts("EX01/C/u.log", "iis-w3c"), *map(facts, paths)]
    found += [facts(path, "file-table") for path in tables]
    return DiskState(found, {"EX01/C/u.log": "EX01"}, ROOTS, late)


def row(log: str, artifact: str = "EX01/C/$MFT", **fields: str) -> Row:
    return Row(
        log=log,
        host="",
        timestamp=None,
        fields=fields,
        origin=Origin(artifact=artifact, offset=0, line=1),
        raw=b"",
    )


def backdoor(path: str, file: str | None = None, **more: object) -> Backdoor:
    return Backdoor(id="B1", key="k", kind="web-shell", path=path, file=file, **more)


@pytest.mark.parametrize(
    ("path", "disk"),
    [
        ("EX01/C/inetpub/x.aspx", r"C:\inetpub\x.aspx"),
        ("EX01.zip!/C/inetpub/x.aspx", r"C:\inetpub\x.aspx"),
        ("a.zip!/uploads/auto/C%3A/inetpub/x.aspx", r"C:\inetpub\x.aspx"),
        ("inetpub/x.aspx", r"\inetpub\x.aspx"),
        ("EX01/C/inetpub/wwwroot/a.zip!/x.aspx", None),
        ("EX01/C/inetpub/wwwroot/a.zip!/C/inetpub/wwwroot/x.aspx", None),
        ("kape.zip!/EX01.zip!/C/inetpub/x.aspx", r"C:\inetpub\x.aspx"),
    ],
)
def test_where_a_file_lay(path: str, disk: str | None) -> None:
    assert drive_path(path) == disk


def test_there() -> None:
    disk = state(f"{WWW}/aspnet_client/X.aspx", f"{OWA}/auth/y.aspx")
    assert disk.page("EX01", "/aspnet_client/x.aspx")[:2] == ("present", "collection")
    assert disk.page("EX01", "/owa/auth/y.aspx")[:2] == ("present", "collection")
    assert disk.file("EX01", r"c:\inetpub\wwwroot\aspnet_client\x.aspx")[0] == "present"
    assert disk.page("EX02", "/owa/auth/y.aspx")[0] == "unknown"


def test_gone_from_a_folder_whose_files_are_there() -> None:
    disk = state(f"{OWA}/auth/logon.aspx", f"{OWA}/auth/x.css")
    assert disk.page("EX01", "/owa/auth/y.aspx")[:2] == ("removed", "collection")
    assert disk.page("EX01", "/owa/auth/y.ashx")[0] == "removed"


def test_nothing_is_said_of_folders_that_nobody_collected() -> None:
    disk = state(f"{OWA}/auth/logon.aspx")
    for url in ("/owa/other/y.aspx", "/aspnet_client/y.aspx", "/ecp/y.aspx", "/y.aspx"):
        assert disk.page("EX01", url)[0] == "unknown", url
    # a collector that takes pages of one ending may have left all others
    assert disk.page("EX01", "/owa/auth/y.ashx")[0] == "unknown"


def test_configurations_do_not_show_that_pages_were_taken() -> None:
    disk = state(f"{WWW}/web.config", f"{WWW}/aspnet_client/web.config")
    assert disk.page("EX01", "/y.aspx")[0] == "unknown"
    assert disk.page("EX01", "/aspnet_client/y.aspx")[0] == "unknown"


def test_an_empty_folder_is_believed_where_the_collector_went_down_the_tree() -> None:
    assert state(f"{WWW}/iisstart.htm").page("EX01", "/aspnet_client/y.aspx")[0] == "unknown"
    deep = state(f"{WWW}/iisstart.htm", f"{WWW}/portal/img/a.png")
    assert deep.page("EX01", "/aspnet_client/y.aspx")[:2] == ("removed", "collection")


def test_what_only_the_back_end_folder_shows_is_not_believed() -> None:
    # the front end serves the address from its own folder, which nobody collected
    assert state(f"{BACK}/auth/x.css").page("EX01", "/owa/auth/y.aspx")[0] == "unknown"
    both = state(f"{BACK}/a.css", f"{OWA}/auth/x.css")
    assert both.page("EX01", "/owa/auth/y.aspx")[0] == "unknown"
    assert state(f"{BACK}/auth/y.aspx").page("EX01", "/owa/auth/y.aspx")[0] == "present"


def test_a_backup_of_a_web_root_is_not_served() -> None:
    backup = "EX01/C/a_backup/inetpub/wwwroot"
    disk = state(f"{WWW}/portal/x.aspx", f"{backup}/portal/y.css", f"{backup}/portal/y.aspx")
    assert disk.page("EX01", "/portal/x.aspx")[:2] == ("present", "collection")
    # the folder that is served shows nothing of .ashx, whatever the backup does
    assert disk.page("EX01", "/portal/y.ashx")[0] == "unknown"
    assert disk.page("EX01", "/portal/y.aspx")[:2] == ("removed", "collection")
    assert disk.file("EX01", r"c:\a_backup\inetpub\wwwroot\portal\y.aspx")[0] == "present"


def test_files_in_a_staged_archive_are_in_no_web_root() -> None:
    disk = state(f"{WWW}/old.zip!/y.aspx", f"{WWW}/old.zip!/C/inetpub/wwwroot/z.aspx")
    assert disk.page("EX01", "/y.aspx")[0] == "unknown"
    assert disk.page("EX01", "/z.aspx")[0] == "unknown"


def table(path: str, **more: str) -> Row:
    return row("file-table", Path=path, FileName=path.rpartition("\\")[2], **more)


SHELL = r"C:\inetpub\wwwroot\aspnet_client\y.aspx"
FOLDER = table(r"C:\inetpub\wwwroot\aspnet_client", State="folder", Record="31-2")


def test_the_file_table_says_present_or_deleted() -> None:
    there = state(late=(table(SHELL, State="present"), table(SHELL, State="deleted")))
    assert there.page("EX01", "/aspnet_client/y.aspx")[:2] == ("present", "file-table")
    gone = state(late=(table(SHELL, State="deleted"),))
    assert gone.page("EX01", "/aspnet_client/y.aspx")[:2] == ("removed", "file-table")


def test_a_file_table_that_was_read_to_its_end_names_all_pages() -> None:
    url = "/aspnet_client/z.aspx"
    assert state(late=(FOLDER,)).page("EX01", url)[0] == "unknown"
    whole = state(late=(FOLDER,), tables=("EX01/C/$MFT",))
    assert whole.page("EX01", url)[:2] == ("removed", "file-table")
    # only pages of it are rows
    assert whole.page("EX01", "/aspnet_client/z.js")[0] == "unknown"


def journal(name: str, *reasons: str, at: int, parent: str = "31-2") -> Row:
    made = row(
        "change-journal",
        "EX01/C/$Extend/$J",
        FileName=name,
        Parent=parent,
        Reason="\n".join(reasons),
    )
    made.many = {"Reason": reasons}
    made.timestamp = datetime(2021, 3, at, tzinfo=UTC)
    return made


def test_the_journal_gets_its_paths_from_the_table() -> None:
    rows = (journal("y.aspx", "FileCreate", at=3), journal("y.aspx", "FileDelete", at=5))
    alone = state(late=rows)
    assert alone.page("EX01", "/aspnet_client/y.aspx")[0] == "unknown"
    disk = state(late=(*rows, FOLDER))
    assert disk.page("EX01", "/aspnet_client/y.aspx")[:2] == ("removed", "change-journal")
    disk.complete(rows[1])
    assert rows[1].fields["Path"] == SHELL
    assert rows[1].fields["VirtualPath"] == "/aspnet_client/y.aspx"
    shell = backdoor("/aspnet_client/y.aspx")
    disk.fill("EX01", [shell])
    assert (shell.state, shell.removed_at) == ("removed", "2021-03-05T00:00:00Z")


def test_what_was_made_again_is_not_removed() -> None:
    rows = (journal("y.aspx", "FileDelete", at=3), journal("y.aspx", "RenameNewName", at=5))
    assert state(late=(*rows, FOLDER)).page("EX01", "/aspnet_client/y.aspx")[0] == "unknown"


def test_a_folder_deleted_since_still_names_its_changes() -> None:
    one = journal("y.aspx", "FileDelete", at=3, parent="31-1")
    state(late=(one, FOLDER))
    assert one.fields["Path"] == SHELL
    other = journal("y.aspx", "FileDelete", at=3, parent="31-7")
    state(late=(other, FOLDER))
    assert "Path" not in other.fields


def test_a_collectors_note_of_what_it_left() -> None:
    left = row("copy-list", "EX01/x_SkipLog.csv", Path=SHELL, State="left", Reason="Deduped")
    disk = state(late=(left,))
    assert disk.page("EX01", "/aspnet_client/y.aspx")[:2] == ("present", "copy-list")


def test_times_and_the_planting() -> None:
    url = "/aspnet_client/y.aspx"
    made = table(
        SHELL,
        State="present",
        FnCreated="2021-03-03T04:05:06.123Z",
        SiModified="2016-01-01T00:00:00Z",
    )
    disk = state(late=(made,))
    shell = backdoor(url, first_use="2021-03-04T00:00:00Z")
    known = backdoor(url, planted_at="2021-03-03T04:05:07Z")
    before = backdoor(url, first_use="2021-03-01T00:00:00Z")
    disk.fill("EX01", [shell, known, before])
    assert shell.created == shell.planted_at == "2021-03-03T04:05:06.123Z"
    assert (shell.modified, shell.times_basis) == ("2016-01-01T00:00:00Z", "file-table")
    assert known.planted_at == "2021-03-03T04:05:07Z"
    assert before.planted_at is None


def test_times_of_a_container_plant_nothing() -> None:
    path = f"{WWW}/aspnet_client/y.aspx"
    when = datetime(2021, 3, 3, tzinfo=UTC)
    artifacts = [facts("EX01/C/u.log", "iis-w3c"), facts(path, modified=when, created=when)]
    disk = DiskState(artifacts, {"EX01/C/u.log": "EX01"}, ROOTS)
    shell = backdoor("/aspnet_client/y.aspx", r"c:\inetpub\wwwroot\aspnet_client\y.aspx")
    disk.fill("EX01", [shell])
    assert (shell.state, shell.sha256, shell.planted_at) == ("present", "0" * 64, None)
    assert (shell.created, shell.times_basis) == ("2021-03-03T00:00:00Z", "collection")


def test_compiled_pages_learn_whether_their_source_is_there() -> None:
    disk = state(f"{OWA}/auth/logon.aspx", f"{OWA}/auth/x.css")
    for path, said in (
        ("/owa/auth/gone.aspx", "yes"),
        ("/OWA/Auth/Logon.aspx", "no"),
        ("/ecp/gone.aspx", "unknown"),
        ("~/gone.aspx", "unknown"),
    ):
        one = row("compiled-page", VirtualPath=path)
        disk.complete(one)
        assert one.fields["SourceMissing"] == said, path


def test_listed_files_learn_whether_they_were_collected() -> None:
    disk = state(f"{OWA}/auth/logon.aspx", f"{OWA}/auth/x.css")
    base = r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa"
    for path, said in (
        (rf"{base}\auth\Logon.aspx", "yes"),
        (rf"{base}\auth\y.aspx", "no"),
        (r"C:\ProgramData\it.rar", "unknown"),
    ):
        one = table(path, State="present")
        disk.complete(one)
        assert one.fields["Collected"] == said, path


def test_backdoors_that_are_no_files_are_left() -> None:
    rule = Backdoor(id="B1", key="k", kind="mail-rule", path="forward all")
    state().fill("EX01", [rule])
    assert (rule.state, rule.state_basis) == ("unknown", "")


def test_the_order_of_what_is_known_does_not_matter() -> None:
    rng = random.Random(3)
    rows = [
        FOLDER,
        table(SHELL, State="deleted", FnCreated="2021-03-01T00:00:00Z"),
        table(SHELL, State="deleted", FnCreated="2021-03-02T00:00:00Z"),
        journal("y.aspx", "FileDelete", at=4),
    ]
    seen = set()
    for _ in range(12):
        rng.shuffle(rows)
        shell = backdoor("/aspnet_client/y.aspx")
        state(late=tuple(rows)).fill("EX01", [shell])
        seen.add((shell.state, shell.state_basis, shell.created, shell.removed_at))
    assert seen == {("removed", "file-table", "2021-03-02T00:00:00Z", "2021-03-04T00:00:00Z")}
