from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence import registry
from exopsy.evidence.files import exchange_setup
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row, Skipped

PATH = "EX01/C/ExchangeSetupLogs/ExchangeSetup.log"


def run(
    day: str,
    version: str,
    *parameters: str,
    end: str = "The Exchange Server setup operation completed successfully.",
    before: str = "",
) -> str:
    """Return the lines of one run as setup writes them."""
    texts = [
        "**********************************************",
        "Starting Microsoft Exchange Server 2016 Setup",
        "**********************************************",
        "Local time zone: (UTC+01:00) Example.",
        "Operating system version: Microsoft Windows NT 6.2.9200.0.",
        f"Setup version: {version}.",
        r"Logged on user: EXAMPLE\admin.",
        *(f"Command Line Parameter Name='{n}', Value='{v}'." for n, _, v in (p.partition("=") for p in parameters)),
        f"The locally installed version is {before}." if before else "Setup is preparing.",
        *([end] if end else []),
        "CurrentResult setupbase.maincore:396: 0",
        "End of Setup",
        "**********************************************",
    ]  # fmt: skip
    return "".join(f"[{day} 19:34:{n:02}.0123] [0] {text}\r\n" for n, text in enumerate(texts))


def read(text: str | bytes) -> list[Row | Skipped]:
    data = text.encode() if isinstance(text, str) else text
    return list(
        exchange_setup.read_file(data, FileFacts(path=PATH, size=len(data), sha256="0" * 64))
    )


def only(text: str) -> Row:
    (row,) = read(text)
    assert isinstance(row, Row)
    return row


def test_an_upgrade_that_ended_well_says_what_is_installed() -> None:
    row = only(run("03/02/2021", "15.1.2176.2", "mode=Upgrade", before="15.1.2106.2"))
    assert row.fields["Build"] == "15.1.2176.2"
    assert row.fields["InstalledVersion"] == "15.1.2106.2"
    assert row.fields["Mode"] == "upgrade"
    assert row.fields["Result"] == "success"
    assert row.fields["User"] == r"EXAMPLE\admin"
    assert row.timestamp == datetime(2021, 3, 2, 19, 34, tzinfo=UTC).replace(
        second=row.timestamp.second
    )


@pytest.mark.parametrize("day", ["03/02/2021", "03-02-2021", "03.02.2021"])
def test_the_servers_culture_changes_only_the_separator(day: str) -> None:
    row = only(run(day, "15.01.2176.002", "mode=Install"))
    assert row.timestamp is not None
    assert row.timestamp.date() == datetime(2021, 3, 2, tzinfo=UTC).date()
    assert row.fields["Build"] == "15.1.2176.2"


def test_setup_by_its_windows_names_no_mode() -> None:
    done = run(
        "03/02/2021",
        "15.1.2176.2",
        end="Install is complete.  Server state has been set to Active.",
    )
    assert only(done).fields["Build"] == "15.1.2176.2"


@pytest.mark.parametrize(
    ("parameters", "end"),
    [
        (("mode=Upgrade",), "The Exchange Server setup operation didn't complete.  More details"),
        (("mode=Upgrade",), ""),
        (("mode=Uninstall",), "The Exchange Server setup operation completed successfully."),
    ],
)
def test_what_failed_or_was_taken_away_is_not_installed(
    parameters: tuple[str, ...], end: str
) -> None:
    row = only(run("03/02/2021", "15.1.2176.2", *parameters, end=end, before="15.1.2106.2"))
    assert "Build" not in row.fields
    assert row.fields["SetupVersion"] == "15.1.2176.2"


def test_a_run_that_says_both_has_failed() -> None:
    done = "The Exchange Server setup operation completed successfully."
    failed = "The Exchange Server setup operation didn't complete."
    for one, two in ((done, failed), (failed, done)):
        both = run("03/02/2021", "15.1.2176.2", "mode=Upgrade", end=one, before="15.1.2106.2")
        row = only(
            both.replace("Local time zone: (UTC+01:00) Example.", "Local.").replace(
                "CurrentResult setupbase.maincore:396: 0", two
            )
        )
        assert row.fields["Result"] == "failed"
        assert "Build" not in row.fields


@pytest.mark.parametrize("what", ["preparead=", "prepareschema=", "preparealldomains="])
def test_preparing_the_directory_installs_nothing(what: str) -> None:
    row = only(run("03/02/2021", "15.1.2176.2", what, before="15.1.2106.2"))
    assert row.fields["Mode"] == "prepare"
    # the registry keeps the number of the base: which update is installed is not known
    assert row.fields["Build"] == "15.1.2106"
    assert "Build" not in only(run("03/02/2021", "15.1.2176.2", what)).fields


def test_runs_are_rows_in_order_and_their_origins_point_at_them() -> None:
    text = run("01/05/2020", "15.1.1913.5", "mode=Install") + run(
        "03/02/2021", "15.1.2176.2", "mode=Upgrade"
    )
    rows = [row for row in read(text) if isinstance(row, Row)]
    assert [row.fields["Build"] for row in rows] == ["15.1.1913.5", "15.1.2176.2"]
    lines = text.encode().split(b"\n")
    for row in rows:
        assert text.encode()[row.origin.offset :].startswith(row.raw)
        assert b"Setup version: " in lines[row.origin.line - 1]


def test_a_run_that_was_cut_off_is_told_as_unfinished() -> None:
    text = run("03/02/2021", "15.1.2176.2", "mode=Upgrade", end="")
    row = only(text[: text.index("End of Setup")])
    assert row.fields["Result"] == "unfinished"


def test_it_is_recognised_by_name_and_content() -> None:
    head = run("03/02/2021", "15.1.2176.2").encode()
    for path in (PATH, "x/exchangesetup.log", "a.zip!/ExchangeSetup_old.log"):
        spec = registry.recognise_file(head, path)
        assert spec is not None
        assert spec.name == "exchange-setup"
    assert registry.recognise_file(head, "C/Other.log") is None
    assert registry.recognise_file(b"nothing of the kind", PATH) is None


def test_a_log_without_a_run_says_so() -> None:
    for text in (
        "",
        "[03/02/2021 19:34:01.0123] [0] Beginning\r\n",
        "[99/99/2021 19:34:01.0123] [0] Setup version: 15.1.2176.2.",
    ):
        (item,) = read(text)
        assert isinstance(item, Skipped)
        assert item.reason == "no-run"


def test_runs_without_end_are_bounded() -> None:
    line = "[03/02/2021 19:34:01.0123] [0] Setup version: 15.1.2176.2.\r\n"
    items = read(line * 3_000)
    assert len(items) == 2_001
    assert isinstance(items[-1], Skipped)


_PIECES = st.sampled_from(
    [b"[03/02/2021 19:34:01.0123] [0] ", b"Setup version: 15.1.2.3", b"End of Setup", b"\r\n", b"'",
     b"Command Line Parameter Name='mode', Value='Upgrade'", b"Logged on user: ", b"\xff\xfe\0", b"["]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=8)), max_size=40))
def test_no_bytes_are_too_odd(pieces: list[bytes]) -> None:
    for item in read(b"".join(pieces)):
        assert isinstance(item, Row | Skipped)
