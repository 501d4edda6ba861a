"""The YARA rules that come with the tool, and an analyst's beside them."""

import base64
import gc
import re
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_pieces import CS, FORMS, JS, build

from exopsy.core.content import CONTENT
from exopsy.detection.pages.page_report import LEVELS
from exopsy.detection.pages.yara_rules import YaraRules

FOLDER = CONTENT / "yara"
NAMES = [
    name
    for path in sorted(FOLDER.glob("*.yar"))
    for name in re.findall(r"^rule (\w+)", path.read_text("utf-8"), re.MULTILINE)
]
OURS = YaraRules.load([FOLDER])

SHEET = FORMS["property sheet"][1]
CODE = FORMS["program, C#, query"][1]
CONFIG = '<configuration><system.webServer><handlers><add name="x" path="{}" verb="*" scriptProcessor="c:\\x\\asp.dll" /></handlers></system.webServer></configuration>'
LOADER = FORMS["loader, query"][1]
KEPT = FORMS["loader, kept in the session"][1]
PROGRAM = "TVqQ" + base64.b64encode(bytes(300)).decode()
TUNNEL = FORMS["tunnel"][1].replace("AddressFamily", "Dns.AddressFamily")
MANAGER = (
    FORMS["file manager"][1]
    .replace("«F»", "File")
    .replace("System.IO.DriveInfo.GetDrives", "DriveInfo.GetDrives")
)
STYLESHEET = FORMS["script in a stylesheet"][1]
DATABASE = CS + '<% var c = new SqlCommand("exec master..{}", k); %>'

# rule: (text that it finds, [texts that lack one part each])
CASES: dict[str, tuple[str, list[str]]] = {
    "oab_property_sheet_with_script": (
        SHEET,
        [SHEET.replace("<script", "<b"), SHEET[SHEET.index("ExternalUrl") :][:200]],
    ),
    "mailbox_file_with_page": ("!BDN\0\0" + CS, ["BDN!\0\0" + CS, "!BDN\0\0<p>x</p>"]),
    "certificate_file_with_page": (
        "\x30\x82\x04\x10" + CS,
        [
            "\x30\x82\x04\x10<p>x</p>",
            "x\x30\x82\x04\x10" + CS,
            "\x30\x82\x04\x10" + "x" * 70_000 + CS,
        ],
    ),
    "picture_with_page": ("GIF89a\x01\0" + CS, ["GIF89a\x01\0<% not a page", "x GIF89a" + CS]),
    "configuration_runs_static_files": (
        CONFIG.format("*.config"),
        [CONFIG.format("*.asp"), CONFIG.format("*.jpg").replace("asp.dll", "pictures.dll")],
    ),
    "configuration_with_code": (
        '<configuration></configuration><!-- <% «E» «R»("k") %> -->',
        [
            "<configuration></configuration><!-- <% nothing %> -->",
            '<setting></setting><!-- <% «E» «R»("k") %> -->',
            '<configuration note="«R»"></configuration>',
        ],
    ),
    "page_keeps_passwords": (
        FORMS["passwords to a file"][1],
        [
            CS + '<% Check(«R».Form["password"]); %>',
            CS + '<% File.AppendAllText(l, «R».Form["name"]); %>',
        ],
    ),
    "script_sends_passwords": (
        FORMS["passwords sent away by script"][1],
        [
            'x.open("POST", "/login"); x.send(document.getElementById("password").value);',
            'function clkLgn() { var p = gbid("password").value; check(p); }',
            'i.src = "a.gif?" + document.getElementById("name").value;',
        ],
    ),
    "page_evaluates_request": (
        JS + '<%«E»(«R».Item["k"],"x");%>',
        ['«E»(«R».Item["k"],"x");', JS + '<%«E»(Settings["k"]);%>', JS + '<%Show(«R»["k"]);%>'],
    ),
    "page_evaluates_unsafe": (
        JS + '<%«E»(a + b, "«U»");%>',
        [JS + '<%«E»(a + b, "safe");%>', '«E»(a, "«U»")', JS + '<%Show(a, "«U»");%>'],
    ),
    "page_hides_evaluator": (
        JS + "<%\\u0065v\\u0061l(x);%>",
        [JS + "<%«E»(x);%>", "\\u0065v\\u0061l(x)", JS + '<%this["a" + b](x);%>'],
    ),
    "page_script_encoded": (
        '<%@ Language="VBScript.Encode" %><%#@~^AA==%>',
        ['<%@ Language="VBScript" %><%#@~^AA==%>', '<%@ Language="VBScript.Encode" %><%=1%>'],
    ),
    "page_writes_what_and_where_asked": (
        FORMS["uploader, text"][1],
        [
            CS + '<% «F».WriteAllText(«R»["p"], "fixed"); %>',
            CS + '<% «F».WriteAllText("a.txt", Line(«R»["c"])); %>',
            '«F».WriteAllText(«R»["p"], «R»["c"]);',
        ],
    ),
    "page_manages_files": (
        MANAGER,
        [MANAGER.replace("GetDrives", "Rows"), MANAGER.replace("SetLastWriteTime", "Touch")],
    ),
    "page_tunnels": (
        TUNNEL,
        [
            TUNNEL.replace("new Socket", "new Row"),
            TUNNEL.replace("InputStream", "Stream"),
            TUNNEL.replace("X-", "Y-").replace('"connect"', '"go"'),
        ],
    ),
    "page_runs_stylesheet_of_request": (
        CS
        + '<% d.LoadXml(Plain(«R».Form["k"])); new XslCompiledTransform().Load(d, XsltSettings.TrustedXslt, null); %>',
        [
            CS + '<% d.LoadXml(Plain(«R».Form["k"])); new XslCompiledTransform().Load(d); %>',
            CS
            + "<% d.LoadXml(t); new XslCompiledTransform().Load(d, XsltSettings.TrustedXslt, null); %>",
        ],
    ),
    "stylesheet_runs_programs": (
        STYLESHEET,
        [STYLESHEET.replace("«P»", "Report"), STYLESHEET.replace(":script", ":template")],
    ),
    "page_deserialises_request": (
        FORMS["deserialiser"][1],
        [
            CS + '<% new LosFormatter().Deserialize(Settings["k"]); %>',
            CS + '<% Read(«R».Form["k"]); %>',
        ],
    ),
    "page_starts_program_of_request": (
        CODE,
        [CODE.replace("«R»", "Settings"), CODE.replace("<%", "").replace("%>", "")],
    ),
    "page_command_console": (
        FORMS["program, C#, control"][1],
        [
            FORMS["program, C#, control"][1].replace("cmd.exe", "report.exe"),
            FORMS["program, C#, control"][1].replace("RedirectStandardOutput", "CreateNoWindow"),
            FORMS["program, C#, control"][1].replace("asp:TextBox", "asp:Label"),
        ],
    ),
    "page_loads_program_of_request": (
        LOADER,
        [
            LOADER.replace("«R»", "Settings"),
            LOADER.replace("«A»", "Resource"),
            LOADER.replace("«B»", "ToText"),
            LOADER.replace("<%", ""),
        ],
    ),
    "page_keeps_program_in_session": (
        KEPT,
        [KEPT.replace("«A»", "Report"), KEPT.replace("Equals", "Show")],
    ),
    "page_compiles_request": (
        FORMS["compiler"][1],
        [
            FORMS["compiler"][1].replace("«R»", "Settings"),
            FORMS["compiler"][1].replace("FromSource", "FromFile"),
            "MZ\x90\0" + FORMS["compiler"][1],  # a library that holds all these names
        ],
    ),
    "page_runs_machine_code": (
        FORMS["machine code"][1],
        [
            FORMS["machine code"][1].replace("«V»", "Reserve"),
            FORMS["machine code"][1].replace("CreateThread", "CreateRow"),
            FORMS["machine code"][1].replace("DllImport", "Note"),
        ],
    ),
    "page_holds_program": (
        CS + f'<% var b = From("{PROGRAM}"); Some.Load(b); %>',
        [
            CS + f'<% var b = From("{PROGRAM}"); Show(b); %>',
            CS + f'<% var b = From("{PROGRAM[4:]}"); Some.Load(b); %>',
        ],
    ),
    "page_runs_database_shell": (
        DATABASE.format("xp_" + "cmdshell"),
        [DATABASE.format("sp_help"), CS + "<p>Switch off xp_" + "cmdshell.</p>"],
    ),
}


def names_in(text: str, rules: YaraRules = OURS) -> set[str]:
    return {m.rule for m in rules.scan(build(text).encode("latin-1"))}


def test_every_rule_has_a_case():
    assert sorted(CASES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_finds_what_it_is_for(name):
    assert name in names_in(CASES[name][0])


@pytest.mark.parametrize(
    ("name", "number"), [(n, i) for n in CASES for i in range(len(CASES[n][1]))]
)
def test_a_rule_wants_all_of_its_parts(name, number):
    near = CASES[name][1][number]
    assert near != CASES[name][0]
    assert name not in names_in(near)


def test_our_rules_are_sound_and_say_what_a_person_needs():
    assert OURS.errors == ()
    assert OURS.count == len(list(FOLDER.glob("*.yar")))
    metas = [m.meta for text, _ in CASES.values() for m in OURS.scan(build(text).encode("latin-1"))]
    for meta in metas:
        assert {"id", "title", "description", "level", "technique", "innocent"} <= meta.keys()
        assert meta["level"] in LEVELS
    assert len({m["id"] for m in metas}) == len({m["title"] for m in metas}) == len(NAMES)


def test_offsets_say_where():
    page = build("\n\n" + CASES["page_deserialises_request"][0]).encode()
    found = next(m for m in OURS.scan(page) if m.rule == "page_deserialises_request")
    assert page.find(b"LosFormatter") in found.offsets


RULE = 'rule {} {{ strings: $a = "{}" condition: $a }}\n'


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yar").write_text(text)
    return folder


def test_a_bad_rule_is_told_with_file_and_line_and_stops_no_other(tmp_path):
    folder = write(
        tmp_path / "r",
        mixed=RULE.format("one", "aaa")
        + "rule bad {\n  condition:\n    nothing_known\n}\n"
        + RULE.format("two", "bbb"),
        torn="rule torn { condition: }\n" + RULE.format("three", "ccc"),
        alone="this is no rule",
        pulls='include "mixed.yar"\n' + RULE.format("four", "ddd"),
    )
    (folder / "latin.yar").write_bytes(b"// \xe9\n")
    rules = YaraRules.load([folder])
    assert names_in("aaa bbb ccc ddd", rules) == {"one", "two", "three", "four"}
    places = {(e.at or "").replace(str(folder), "").lstrip("/\\") for e in rules.errors}
    assert {"mixed.yar:4", "torn.yar:1", "alone.yar:1", "pulls.yar:1", "latin.yar"} <= places
    assert any("nothing_known" in str(e) for e in rules.errors)


def test_equal_names_in_two_files_do_no_harm(tmp_path):
    folder = write(tmp_path / "r", a=RULE.format("same", "aaa"), b=RULE.format("same", "bbb"))
    other = write(tmp_path / "s", a=RULE.format("same", "ccc"))
    rules = YaraRules.load([folder, other])
    assert [m.namespace for m in rules.scan(b"aaa bbb ccc")] == ["0/a.yar", "0/b.yar", "1/a.yar"]
    assert rules.errors == ()


def test_one_file_may_be_given_and_other_files_are_passed_over(tmp_path):
    folder = write(tmp_path / "r", a=RULE.format("one", "aaa"))
    (folder / "note.txt").write_text(RULE.format("two", "aaa"))
    assert names_in("aaa", YaraRules.load([folder])) == {"one"}
    assert names_in("aaa", YaraRules.load([folder / "note.txt"])) == {"two"}


def test_what_meta_holds_is_text_or_number(tmp_path):
    folder = write(tmp_path / "r", a=r'rule r { meta: a = "\xe9" b = 3 c = true condition: true }')
    assert YaraRules.load([folder]).scan(b"")[0].meta == {"a": "é", "b": 3, "c": True}


def test_kept_rules_find_the_same_and_damage_is_made_good(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    text = build(CODE).encode()
    fresh = YaraRules.load([FOLDER], cache)
    kept = list(cache.iterdir())
    assert len(kept) == 1
    again = YaraRules.load([FOLDER], cache)
    assert again.scan(text) == fresh.scan(text) != []
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    assert YaraRules.load([FOLDER], cache).scan(text) == fresh.scan(text)


def test_rules_with_errors_are_not_kept(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    folder = write(tmp_path / "r", a="rule a { condition: b }")
    for _ in range(2):
        assert len(YaraRules.load([folder], cache).errors) == 1
    assert list(cache.iterdir()) == []


def test_threads_may_share_the_rules_and_leave_nothing_behind(monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    text = build(CODE).encode()
    wanted = OURS.scan(text)
    rules = YaraRules.load([FOLDER])
    found = []

    def work():
        for _ in range(5):
            found.append(rules.scan(text))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rules.scan(text)
    dropper = threading.Thread(target=rules.__dict__.clear)
    dropper.start()
    dropper.join()
    gc.collect()
    assert found == [wanted] * 20
    assert complaints == []


PARTS = [build(hit).encode("latin-1") for hit, _ in CASES.values()]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(PARTS) | st.binary(max_size=30), max_size=6))
def test_no_bytes_make_it_raise(parts):
    data = b"".join(parts)
    assert OURS.scan(data) == OURS.scan(data)


@pytest.mark.parametrize(
    "piece", ["<%", "<script ", '"TVqQ', "Request.Form[", "Process.Start(Request", ".Load("]
)
def test_offsets_are_bounded(piece):
    for match in OURS.scan((CS + build(CODE) + piece * 50_000).encode()):
        assert len(match.offsets) <= 8
