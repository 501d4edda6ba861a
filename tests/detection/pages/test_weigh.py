"""Shells in their forms and disguises are found; what only looks like one is not."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_pieces import CS, ENDS, FORMS, HANDLER, JS, MORE, VB, build
from page_tricks import tricks

from exopsy.detection.pages.page_report import LEVELS, TRICKS
from exopsy.detection.pages.weigh import weigh

MOST = 8 << 20
# They do what they do without a word of the request.
NEEDS_NO_REQUEST = {
    "machine code", "hook", "script in a stylesheet", "property sheet", "loader, fetched",
    "passwords sent away by script", "passwords in a picture's address",
}  # fmt: skip
# A page in a list of properties is no page of anybody's, whatever it does.
NEEDS_NO_DOING = {"property sheet"}


def level(text: str, path: str = "a.aspx") -> str:
    return weigh(build(text).encode(), path, most=MOST).level


def at_least(found: str, wanted: str) -> bool:
    return LEVELS.index(found) >= LEVELS.index(wanted)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_shell_is_high_or_critical(name):
    path, text = FORMS[name]
    report = weigh(build(text).encode(), path, most=MOST)
    assert at_least(report.level, "high"), report


@pytest.mark.parametrize(("path", "text"), MORE)
def test_variants_of_the_forms_are_high_or_critical(path, text):
    report = weigh(build(text).encode(), path, most=MOST)
    assert at_least(report.level, "high"), report


@pytest.mark.parametrize("name", [n for n in FORMS if n not in NEEDS_NO_REQUEST])
def test_without_the_request_the_same_calls_are_not_high(name):
    path, text = FORMS[name]
    text = (
        text.replace("«R»", "Settings")
        .replace("box.Text", "Settings.Box")
        .replace("[WebMethod]", "")
    )
    text = text.replace("Headers", "Table").replace("InputStream", "Stream")
    report = weigh(build(text).encode(), path, most=MOST)
    assert not at_least(report.level, "high"), report


@pytest.mark.parametrize("name", [n for n in FORMS if n not in NEEDS_NO_DOING])
def test_without_the_doing_the_same_page_is_harmless(name):
    path, text = FORMS[name]
    for mark, harmless in {
        "«J»Evaluate": "Note", "«E»": "Format", "«P»": "Report", "ProcessStartInfo": "ReportInfo", "«A»": "Resource",
        "«X»": "Display", "«S»": "Some.Thing", "«F»": "Note", "Shell(": "Show(", "w.exec": "w.show",
        "72C24DD5": "00000000", "PowerShell": "Report", "ManagementClass": "Report", "Win32_": "Table_", "SqlConnection": "Report",
        "«V»": "Reserve", "CreateThread": "CreateRow", "SaveAs": "Mark", "SqlCommand": "Line", "LosFormatter": "Los",
        "XslCompiledTransform": "Sheet", "new Socket": "new Row", ".Connect(": ".Show(", "DriveInfo": "Info",
        "Directory": "Rows", "RegisterVirtualPathProvider": "Register", "XMLHttpRequest": "Row", "Image()": "Row()",
        ".Invoke(": ".Show(", ".InvokeMethod(": ".Show(", ".open(": ".show(", ".src": ".alt", "Download«F»": "Show", "DownloadData": "Show", "CSharpCodeProvider": "Row", "FromSource": "X",
        "WriteAll": "Show", "AppendAll": "Show", "IPEndPoint": "Point", "CurrentDomain.«L»": "Current.Show",
    }.items():  # fmt: skip
        text = text.replace(mark, harmless)
    report = weigh(build(text).encode(), path, most=MOST)
    assert not at_least(report.level, "medium"), report


@pytest.mark.parametrize(
    "name", [n for n, (p, _) in FORMS.items() if p.endswith((".aspx", ".asp"))]
)
def test_without_the_marks_of_server_code_it_is_text(name):
    if name in NEEDS_NO_REQUEST:
        pytest.skip("its marks are others")
    _, text = FORMS[name]
    for mark in ("<%@", "<%=", "<%", "%>", "runat=server", 'runat="server"', "runat"):
        text = text.replace(mark, " ")
    assert weigh(build(text).encode(), "a.aspx", most=MOST).level == "informational"


ALL_TRICKS = list(tricks())


@pytest.mark.parametrize("number", range(len(ALL_TRICKS)))
def test_every_hiding_trick_is_seen_through(number):
    name, path, data = ALL_TRICKS[number]
    report = weigh(data, path, most=MOST)
    # What an included picture holds is another file; that it is included is enough for a look.
    assert at_least(report.level, "medium" if name == "includes" else "high"), report


def test_each_trick_has_at_least_two_snippets():
    counts = {name: sum(1 for n, _, _ in ALL_TRICKS if n == name) for name, _, _ in ALL_TRICKS}
    assert len(counts) >= 10
    assert {n for n, c in counts.items() if c < 2} <= {"xor"}


def test_an_included_file_is_part_of_the_page():
    page = b'<!--#include file="logo.gif"--><%Show kept%>'
    files = {"logo.gif": build('<%«X»(«R»("k"))%>').encode()}
    alone = weigh(page, "a.asp", most=MOST)
    both = weigh(page, "a.asp", most=MOST, included=files.get)
    assert alone.level == "medium"
    assert both.level == "critical"
    assert alone.includes == ["logo.gif"]


def test_included_files_that_include_each_other_come_to_an_end():
    files = {"a.inc": b'<!--#include file="b.inc"-->', "b.inc": b'<!--#include file="a.inc"-->'}
    weigh(files["a.inc"], "a.asp", most=MOST, included=files.get)


INNOCENT = {
    "data binding": CS + "<asp:Repeater runat=server><ItemTemplate><%# «E»(\"Name\") %><%# DataBinder.«E»(Container.DataItem, \"x\") %></ItemTemplate></asp:Repeater>",
    "a name in a greeting": CS + '<p>Hello <%= Server.HtmlEncode(«R».QueryString["name"]) %></p>',
    "an upload to a folder": CS + '<script runat=server>void Go(object s, EventArgs e) { if (f.HasFile) f.SaveAs(Server.MapPath("~/uploads/") + System.IO.Path.GetFileName(f.FileName)); }</script><asp:FileUpload id=f runat=server />',
    "a report by number": CS + '<% int id = int.Parse(«R»["id"]); «P».Start("report.exe", "/n " + id); %>',
    "a choice": CS + '<% string a = «R»["a"] == "full" ? "full.bat" : "part.bat"; «P».Start(a); %>',
    "a comparison": CS + '<% bool ok = «R»["a"] == "go"; if (ok) «P».Start("nightly.exe"); %>',
    "own methods by name": HANDLER + 'this.GetType().GetMethod(context.«R»["action"]).Invoke(this, new object[] { });' + ENDS,
    "a plug-in": CS + '<% var a = «A».«L»("Vendor.Plugin, Version=1.0.0.0"); %>',
    "a plug-in from its folder": CS + '<% var a = «A».«L»From(Server.MapPath("~/bin/Vendor.dll")); %>',
    "a stylesheet of the site": CS + '<% var x = new XslCompiledTransform(); x.«L»(Server.MapPath("list.xsl")); x.Transform(new XPathDocument(«R».InputStream), null, Response.Output); %>',
    "an XML request": CS + '<% var d = new XmlDocument(); d.«L»(«R».InputStream); Response.Write(d.DocumentElement.Name); %>',
    "state of its own": CS + '<script runat=server>protected override object LoadPageStateFromPersistenceMedium() { return new LosFormatter().Deserialize(«R».Form["__Z"]); }</script>',
    "a query": CS + '<% var c = new SqlCommand("select * from t where n = \'" + «R»["n"] + "\'", new SqlConnection(ConfigurationManager.ConnectionStrings["db"].ConnectionString)); %>',
    "a log": CS + '<% System.IO.«F».AppendAllText(Server.MapPath("~/log.txt"), «R».UserHostAddress + " " + «R».UserAgent); %>',
    "a logon to its own server": '<html><input type="password" id="password"><script>function go() { var x = new XMLHttpRequest(); x.open("POST", "/login"); x.send("p=" + document.getElementById("password").value); }</script></html>',
    "a fetched feed": CS + '<% var w = new System.Net.WebClient(); Response.Write(w.DownloadString("http://feed.example/rss")); %>',
    "a file of the site": CS + '<% Response.WriteFile(Server.MapPath("~/doc/" + «R»["d"])); %>',
    "an array spoken to by number": JS + '<% var t = ["a", "b"]; Response.Write(t[parseInt(«R».Item["i"])]); %>',
    "long text in lines": CS + '<% string q = "select a, b " + "from t " + "where c = 1"; Run(q); %>',
}  # fmt: skip


@pytest.mark.parametrize("name", INNOCENT)
def test_innocent_pages_stay_below_medium(name):
    report = weigh(build(INNOCENT[name]).encode(), "a.aspx", most=MOST)
    assert not at_least(report.level, "medium"), report


def test_a_reason_says_where_and_shows_the_decoded_code():
    page = CS + '\r\n\r\n<p>x</p>\r\n<% «P».Start(«R»["q"]); %>'
    report = weigh(build(page).encode(), "a.aspx", most=MOST)
    reason = report.reasons[0]
    assert reason.line == 4
    assert build(page).encode()[reason.offset :].startswith(build("«P»").encode())
    assert reason.sources == ("request",)
    assert reason.technique == "T1059"
    assert len(reason.excerpt) <= 160


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("name", [n for n, (p, _) in FORMS.items() if p.endswith(".aspx")])
def test_the_same_page_in_another_encoding_does_the_same(name, codec):
    path, text = FORMS[name]
    plain = weigh(build(text).encode(), path, most=MOST)
    other = weigh(build(text).encode(codec), path, most=MOST)
    assert _doings(plain) <= _doings(other)
    assert _doings(other) - _doings(plain) <= {("odd-encoding", ())}


@pytest.mark.parametrize(
    "name", [n for n, (_, t) in FORMS.items() if "C#" not in t and "«J»" not in t]
)
def test_case_means_nothing_to_visual_basic(name):
    path, text = FORMS[name]
    if not path.endswith((".asp", ".aspx")):
        pytest.skip("no Visual Basic")
    plain = weigh(build(text).encode(), path, most=MOST)
    assert _doings(weigh(build(text).upper().encode(), path, most=MOST)) == _doings(plain)


def _doings(report):
    return {(r.name, r.sources) for r in report.reasons}


PARTS = [build(text) for _, text in FORMS.values()] + [
    "<%", "%>", "<script runat=server>", "</script>", "\"", "'", "(", ")", "[", "]", "{", "}", "/*", "*/", "//",
    "<%--", "--%>", "@{", "\\u0065", "+", "&", "=", ";", "\n", " _\n", "\0", "\u200b", "é", "<!--#include file=\"", "$\"{", "Sub x()", "End Sub",
    build("«R»"), build("«E»"), build("«P».Start("), "new ", "if (", "return ", "<", ">", "Chr(", "0x", "foreach (var a in ",
]  # fmt: skip
SUFFIXES = [
    "a.aspx",
    "a.asp",
    "a.ashx",
    "a.cshtml",
    "a.js",
    "a.config",
    "a.xslt",
    "a.dll",
    "a",
    "a.txt",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=8), max_size=14), st.sampled_from(SUFFIXES), st.sampled_from(["utf-8", "utf-16", "latin-1"]))  # fmt: skip
def test_no_text_makes_it_raise(parts, path, codec):
    report = weigh("".join(parts).encode(codec, "replace"), path, most=MOST)
    assert 0 <= report.score <= 100
    assert report.level in LEVELS
    assert msgspec.json.encode(report) == msgspec.json.encode(
        weigh("".join(parts).encode(codec, "replace"), path, most=MOST)
    )


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.data())
def test_no_damage_makes_it_raise(name, data):
    path, text = FORMS[name]
    raw = bytearray(build(text).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    weigh(bytes(raw), path, most=MOST)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=40), st.sampled_from(SUFFIXES))
def test_no_bytes_make_it_raise(before, between, path):
    marks = [b"<%@ page %><%", b"%>", b"<\0%\0", b"\xff\xfe<\0%\0", b"+/v8-+ADwAJQ-", b"\xfe\xff"]
    for mark in marks:
        weigh(mark + before + mark + between, path, most=MOST)
    weigh(before, path, most=0)


# -- each part alone is not enough -----------------------------------------------------------

DIRECTIVE = CS
SOURCE = '«R»["k"]'
CALLS = {
    "script": ("a.aspx", JS, "«E»({});"),
    "program": ("a.aspx", CS, "«P».Start({});"),
    "loaded program": ("a.aspx", CS, "«A».«L»(Convert.«B»({}));"),
    "shell object": ("a.asp", "", '«C»("«S»").Run({})'),
    "database": ("a.aspx", CS, 'new SqlCommand({}, new SqlConnection(«R»["c"])).ExecuteReader();'),
    "file": ("a.aspx", CS, 'System.IO.«F».WriteAllText(«R»["p"], {});'),
    "objects": ("a.aspx", CS, "new LosFormatter().Deserialize({});"),
    "compiler": ("a.aspx", CS, "new CSharpCodeProvider().Compile«A»FromSource(p, {});"),
}


@pytest.mark.parametrize("name", CALLS)
def test_directive_source_and_call_weigh_only_together(name):
    path, directive, call = CALLS[name]
    source = '«R»("k")' if path == "a.asp" else SOURCE
    blank = call.replace("«R»", "Settings")
    assert at_least(level(f"{directive}<% {call.format(source)} %>", path), "high")
    assert level(f"{directive}<p>Hello</p>", path) == "informational"
    assert level(f"{directive}<% Response.Write(Encode({source})) %>", path) == "informational"
    assert not at_least(level(f"{directive}<% {blank.format('given')} %>", path), "high")
    assert not at_least(
        level(f"{directive}<% {blank.format(chr(34) + 'x' + chr(34))} %>", path), "high"
    )
    # Both are there, but what the request says goes elsewhere.
    apart = f"{directive}<% Response.Write({source});\n{blank.format(chr(34) + 'x' + chr(34))} %>"
    assert not at_least(level(apart, path), "high")
    # Shown as text, not run.
    shown = call.format(source).replace("<", "&lt;")
    assert level(f"<pre>{shown}</pre>", path) == "informational"


# -- near misses of the tricks ---------------------------------------------------------------

HARMLESS = {
    "two texts joined": JS + '<% var a = "Hello, " + "world"; Response.Write(a); %>',
    "a picture in base64": CS + '<% string p = "' + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB" * 20 + '"; Show(p); %>',
    "escapes of accents": JS + '<% Response.Write("Gr\\u00fc\\u00dfe aus M\\u00fcnchen"); %>',
    "a word turned round": CS + '<% char[] c = name.ToCharArray(); Array.Reverse(c); Show(new string(c)); %>',
    "line ends by number": VB + "<%\nDim a = b & Chr(13) & Chr(10) & Chr(9)\nResponse.Write(a)\n%>",
    "comments between names": CS + '<% Response /* the page */ . /* its text */ Write(1); %>',
    "joiners in a text": CS + '<% Response.Write("\u200c\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"); %>',
    "a joiner after a name": CS + '<% Response.Write(1); title\u200c = 2; %>',
    "blank lines": CS + "\r\n" * 60 + "<p>x</p>",
    "an included header": '<!--#include file="header.asp"--><!--#include virtual="/inc/footer.inc"-->',
    "a text about pages": "A page begins with a directive (the language) and holds blocks.",
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_a_trick_weighs_little(name):
    for path in ("a.aspx", "a.asp"):
        assert not at_least(level(HARMLESS[name], path), "medium"), name


FOLDERS = (
    HANDLER
    + """string p = context.«R»["path"]; string d = Path.Combine(p, context.«R»["name"]);
foreach (var f in new DirectoryInfo(context.Server.MapPath(p)).GetFiles()) Show(f);
if (context.«R»["mode"] == "delete") «F».Delete(context.Server.MapPath(p));
var u = context.«R».Files[0]; u.SaveAs(PLACE(Path.Combine(p, Path.GetFileName(u.FileName))));"""
    + ENDS
)


def test_an_editor_that_keeps_files_inside_the_site_is_for_a_person_to_read():
    """What the server's own mapping keeps inside the site is less than any place of the machine."""
    assert level(FOLDERS.replace("PLACE", "context.Server.MapPath"), "a.ashx") == "medium"
    assert at_least(level(FOLDERS.replace("PLACE", ""), "a.ashx"), "high")
    checks = FOLDERS.replace("var u", 'if (Path.GetExtension(p) != ".jpg") return; var u')
    lighter, heavier = (
        weigh(
            build(t.replace("PLACE", "context.Server.MapPath")).encode(), "a.ashx", most=MOST
        ).score
        for t in (checks, FOLDERS)
    )
    assert lighter < heavier


def test_a_configuration_that_runs_pictures_is_for_a_person_to_read():
    text = '<configuration><handlers><add name="x" path="*.xml" modules="IsapiModule" scriptProcessor="C:\\\\x\\\\{}" /></handlers></configuration>'
    assert level(text.format("asp.dll"), "web.config") == "medium"
    wide = text.format("asp.dll").encode("utf-16")
    assert weigh(wide, "web.config", most=MOST).level == "medium"
    assert level(text.format("other.dll"), "web.config") == "informational"
    # It hands the name on to handlers; none of them is for this kind.
    forbidden = (
        '<add name="PageHandlerFactory" path="*.aspx" type="System.Web.UI.PageHandlerFactory" />'
    )
    assert level(text.format("aspnet_isapi.dll") + forbidden, "web.config") == "informational"


def test_only_escapes_of_plain_letters_are_a_trick():
    assert (
        level(JS + "<% var gr\\u00f6\\u00dfe = 1; convert(gr\\u00f6\\u00dfe); %>")
        == "informational"
    )
    assert at_least(level(JS + "<% var gr\\u0065en = 1; convert(green); %>"), "medium")


def test_a_piece_of_a_page_may_be_called_inc():
    assert not at_least(level(CS + "<p>a header</p>", "header.inc"), "medium")
    assert at_least(level(CS + "<p>a header</p>", "header.jpg"), "medium")


def test_wide_text_without_code_is_not_odd():
    report = weigh("\ufeffNotes on the move of a mailbox".encode("utf-16-le"), "a.txt", most=MOST)
    assert report.reasons == []


@pytest.mark.parametrize("directive", ['file="{}"', 'virtual = "{}"'])
def test_a_chain_of_included_files_is_followed_to_its_end(directive):
    def include(name):
        return f"<!-- #include {directive.format(name)} -->".encode()

    files = {
        "one.inc": b"<p>1</p>" + include("two.inc"),
        "two.inc": include("three.txt") + b"<p>2</p>",
        "three.txt": build('<%«X» «R»("k")%>').encode(),
    }
    page = include("one.inc") + b"<% Show 1 %>"
    assert not at_least(weigh(page, "a.asp", most=MOST).level, "medium")
    assert weigh(page, "a.asp", most=MOST, included=files.get).level == "critical"
    del files["two.inc"]
    assert not at_least(weigh(page, "a.asp", most=MOST, included=files.get).level, "medium")


def test_of_a_large_file_the_code_at_its_end_is_found():
    page = build(CS + '<% «P».Start(«R»["q"]); %>').encode()
    report = weigh(b"x" * 3_000_000 + page, "a.aspx", most=1 << 20)
    assert report.level == "critical"
    assert report.cut


def test_in_a_large_file_a_block_of_code_is_followed_past_its_mark():
    page = build(
        CS
        + "<script runat=server>void Page_Load() {"
        + "/* x */ " * 20_000
        + ' «P».Start(«R»["q"]); }</script>'
    )
    report = weigh(page.encode() + b"x" * 3_000_000, "a.aspx", most=1 << 20)
    assert report.level == "critical"
    assert report.cut


def test_stretches_of_code_without_number_are_cut_and_that_is_said():
    report = weigh(b"<% a(); %>" * 30_000, "a.aspx", most=MOST)
    assert report.cut
    assert (
        weigh(
            b"<% %>" * 30_000 + build('<% «P».Start(«R»["q"]); %>').encode(), "a.aspx", most=MOST
        ).level
        == "critical"
    )


def test_the_names_of_tricks_are_names_of_reasons():
    seen = {r.name for _, path, data in ALL_TRICKS for r in weigh(data, path, most=MOST).reasons}
    assert TRICKS & seen >= {
        "hidden-name", "hidden-code", "escaped-name", "split-name", "odd-encoding", "embedded-nul",
        "padding", "odd-include", "mislabelled", "container", "invisible-characters",
    }  # fmt: skip
