import csv
import hashlib
import re

import msgspec
import pytest

from exopsy.lab.make import make_lab
from exopsy.lab.scenarios import SCENARIOS
from exopsy.lab.truth import Truth

NAMES = [s.name for s in SCENARIOS]
FORBIDDEN = re.compile(
    rb"eval\s*\(|Request\.Item|unsafe|Execute\(|ProcessStartInfo|FromBase64", re.IGNORECASE
)


def digest(folder):
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()


def test_same_arguments_same_bytes(lab_of, tmp_path):
    first = lab_of("proxylogon", 3)
    make_lab(tmp_path, scenario="proxylogon", seed=3, days=2, requests_per_day=2000, events=False)
    assert digest(tmp_path) == digest(first.folder)
    assert digest(lab_of("proxylogon", 4).folder) != digest(first.folder)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parameters", ["default", "measure"])
def test_nothing_that_could_act_is_in_any_output(lab_of, name, parameters):
    lab = lab_of(name, 2, parameters)
    for path in lab.files(""):
        assert not FORBIDDEN.search(path.read_bytes()), path
        assert path.suffix.lower() == ".log"


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_the_columns_of_its_header_but_torn_ones(lab_of, name):
    lab = lab_of(name)
    torn = 0
    for path in lab.files(""):
        lines = path.read_bytes().decode("utf-8-sig").split("\r\n")
        columns = None
        for number, line in enumerate(lines):
            if line.startswith("#Fields: "):
                columns = line.removeprefix("#Fields: ")
            elif not line or line.startswith(("#", "DateTime,")):
                continue
            elif path.name.startswith("u_ex"):
                assert len(line.split(" ")) >= 15, line
            elif len(next(csv.reader([line]))) != columns.count(",") + 1:
                assert number == len(lines) - 1, (path, line)
                torn += 1
    assert 1 <= torn < 30


def test_headers_follow_the_two_styles_and_come_again_after_a_restart(lab_of):
    lab = lab_of("quiet")
    proxy = lab.files("HttpProxy/Owa")[0].read_bytes()
    assert proxy.startswith(b"DateTime,RequestId,")
    assert (
        b"\r\n#Software: Microsoft Exchange Server\r\n#Version: 15.01.2106.002\r\n#Log-type: HttpProxy Logs\r\n#Date: "
        in proxy
    )
    ecp = lab.files("ECP/Server")[0].read_bytes()
    assert ecp.startswith(
        b"\xef\xbb\xbf#Software: Microsoft Exchange Server\r\n#Version: 15.0.0.0\r\n"
    )
    iis = lab.files("W3SVC1")[0].read_bytes()
    assert iis.startswith(b"#Software: Microsoft Internet Information Services 10.0\r\n")
    assert iis.count(b"#Fields: ") == 2
    assert all(b"\r\n" in p.read_bytes() for p in lab.files(""))


@pytest.mark.parametrize("name", ["quiet", "proxylogon", "proxyshell", "owassrf"])
def test_one_request_has_one_id_in_the_logs_of_both_sites_and_the_proxy(lab_of, name):
    lab = lab_of(name)
    front = {}
    for row in lab.rows("W3SVC1"):
        found = re.search(r"cafeReqId=([0-9a-f-]{36});", row["cs-uri-query"])
        if found:
            assert found[1] not in front
            front[found[1]] = row
    proxy = {r["RequestId"]: r for r in lab.rows("/HttpProxy/")}
    assert proxy.keys() == front.keys()
    for key, row in proxy.items():
        web = front[key]
        assert (web["sc-status"], web["c-ip"], web["cs-method"]) == (
            row["HttpStatus"],
            row["ClientIpAddress"],
            row["Method"],
        )
        assert row["DateTime"][:19] == f"{web['date']}T{web['time']}"
        assert web["cs(User-Agent)"].replace("+", " ").replace(",", " ").strip("-") == row[
            "UserAgent"
        ].replace("+", " ")
        assert row["UrlStem"] == web["cs-uri-stem"]
    back = [
        re.search(r"cafeReqId=([0-9a-f-]{36});", r["cs-uri-query"])[1] for r in lab.rows("W3SVC2")
    ]
    assert len(back) == len(set(back))
    assert set(back) == {k for k, r in proxy.items() if r["BackEndStatus"]}


def test_rows_are_in_time_order_within_a_file(lab_of):
    for path_part, column in (("W3SVC1", "time"), ("HttpProxy/Owa", "DateTime")):
        for path in lab_of("proxylogon").files(path_part):
            times = [r[column] for r in lab_of("proxylogon").rows(path.as_posix())]
            assert times == sorted(times)


def test_every_hour_of_every_day_has_every_hourly_log(lab_of):
    lab = lab_of("quiet")
    for part in (
        "HttpProxy/Oab",
        "HttpProxy/Rest",
        "Ews/Ews_",
        "Rps_Http_",
        "Rps_Cmdlet_",
        "MSGTRK",
    ):
        assert len(lab.files(part)) == 48, part


def test_truth_lies_beside_the_collection_and_reads_back(lab_of):
    lab = lab_of("proxyshell")
    assert msgspec.json.decode((lab.folder / "truth.json").read_bytes(), type=Truth) == lab.truth
    assert not lab.files("truth")


def test_unknown_names_and_too_few_days_are_refused_with_the_choice(tmp_path):
    shared = {"seed": 1, "requests_per_day": 10}
    with pytest.raises(ValueError, match="there are: quiet"):
        make_lab(tmp_path, scenario="loud", days=1, **shared)
    with pytest.raises(ValueError, match="default, measure"):
        make_lab(tmp_path, scenario="quiet", days=1, parameters="x", **shared)
    with pytest.raises(ValueError, match="at least 2 days"):
        make_lab(tmp_path, scenario="rotated", days=1, **shared)
