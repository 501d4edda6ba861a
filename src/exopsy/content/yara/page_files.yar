/*
  Pages that write, manage or fetch files, join connections to requests, run stylesheets.
*/

private rule page_with_code {
    strings:
        $directive = /<%@\s{0,40}(page|webhandler|webservice|control|servicehost|application|language)\b/ nocase ascii wide
        $script = /<script\b[^>]{0,300}runat\s{0,9}=\s{0,9}["']?server/ nocase ascii wide
        $block = /<%\s{0,40}[=]?\s{0,40}\w/ ascii wide
    condition:
        uint16be(0) != 0x4D5A and any of them
}

rule page_writes_what_and_where_asked {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c21"
        title = "A page writes what the request says to where it says"
        description = "A file is written with a request item as its path, and another as its content, in one call."
        level = "high"
        technique = "T1105"
        innocent = "File managers of editors; those check names and folders first."
    strings:
        $write = /[F]ile\s{0,9}\.\s{0,9}(Write|Append)All(Text|Bytes|Lines)\s{0,9}\([^;]{0,80}\b[R]equest\s{0,9}[.\[][^;]{1,120},[^;]{0,120}\b[R]equest\s{0,9}[.\[]/ nocase ascii wide
        $save = /\.SaveAs\s{0,9}\(\s{0,9}(Server\.MapPath\s{0,9}\(|context\.Server\.MapPath\s{0,9}\()?\s{0,9}(context\.)?[R]equest\s{0,9}(\[|\(|\.(Item|Form|QueryString|Params|Headers|Cookies)\b)/ nocase ascii wide
        $classic = /(CreateTextFile|SaveToFile)[\s(]{1,9}(Server\.MapPath\s{0,4}\()?\s{0,9}[r]equest\b/ nocase ascii wide
        $fetch = /Download[F]ile\s{0,9}\([^;]{0,60}\b[R]equest\s{0,9}[.\[(]/ nocase ascii wide
    condition:
        page_with_code and any of them
}

rule page_manages_files {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c22"
        title = "A page is a file manager for the whole server"
        description = "It lists drives and folders, reads, writes and deletes files, and hides or runs things; all in one page."
        level = "high"
        technique = "T1083"
        innocent = "Administration tools behind a logon; editors' file managers stay in one folder and list no drives."
    strings:
        $drives = /GetLogical[D]rives|DriveInfo\.GetDrives|\.Drives\b/ nocase ascii wide
        $list = /GetDirectories|GetFileSystemInfos|GetFiles|GetFolder|SubFolders/ nocase ascii wide
        $delete = /\.Delete(File|Folder)?\s{0,4}\(|\.Delete\b/ nocase ascii wide
        $write = /StreamWriter|WriteAll|SaveAs|CreateTextFile|SaveToFile|FileStream/ nocase ascii wide
        $more1 = /SetLastWriteTime|\.LastWriteTime\s{0,9}=|SetAttributes|\.Attributes\s{0,9}=/ nocase ascii wide
        $more2 = /[P]rocess\.Start|ProcessStart[I]nfo|[W]Script\.Shell|Get[P]rocesses/ nocase ascii wide
        $more3 = /RegistryKey|Registry\.|xp_[c]mdshell|TcpClient/ nocase ascii wide
    condition:
        page_with_code and $drives and $list and $delete and $write and any of ($more*)
}

rule page_tunnels {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c23"
        title = "A page joins connections to its requests"
        description = "Sockets kept in the session or application, opened and fed by commands in query or headers."
        level = "high"
        technique = "T1572"
        innocent = "Proxies of applications that speak a protocol of their own; those name their one target."
    strings:
        $socket = /new\s{1,9}([\w.]{0,40}\.)?(Socket|TcpClient)\s{0,9}\(/ nocase ascii wide
        $kept = /(Session|Application|Cache|Dictionary<string,\s{0,4}(Socket|TcpClient)>)\s{0,9}[\[.(>]/ nocase ascii wide
        $bytes = /InputStream|BinaryRead|GetBufferlessInputStream/ nocase ascii wide
        $verb1 = /["']connect["']/ nocase ascii wide
        $verb2 = /["']disconnect["']/ nocase ascii wide
        $verb3 = /["']forward["']/ nocase ascii wide
        $verb4 = /["']read["']/ nocase ascii wide
        $header = /["']X-(CMD|TARGET|PORT|STATUS|ERROR|Host|IP)["']/ nocase ascii wide
    condition:
        page_with_code and $socket and $bytes and ($kept or $header) and (2 of ($verb*) or #header > 1)
}

rule page_runs_stylesheet_of_request {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c24"
        title = "A page runs a stylesheet out of the request, with scripts"
        description = "A transformation with scripts allowed, over XML that is decoded from the request."
        level = "critical"
        technique = "T1220"
        innocent = "None known."
    strings:
        $transform = /XslCompiled[T]ransform|XslTransform/ nocase ascii wide
        $trusted = /Trusted[X]slt|EnableScript|XsltSettings\s{0,9}\(\s{0,9}true|new\s{1,9}XslTransform/ nocase ascii wide
        $xml = /\.Load(Xml)?\s{0,9}\([^;]{0,200}\b[R]equest\s{0,9}[.\[]/ nocase ascii wide
    condition:
        page_with_code and all of them
}

rule stylesheet_runs_programs {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c25"
        title = "A stylesheet holds script that runs programs or code"
        description = "Script inside a stylesheet with what starts programs, evaluates or loads."
        level = "high"
        technique = "T1220"
        innocent = "Test data of XML libraries."
    strings:
        $sheet = "http://www.w3.org/1999/XSL/Transform" ascii wide
        $script = /<[\w.-]{1,20}:script\b/ nocase ascii wide
        $does = /[P]rocess\s{0,4}\.\s{0,4}Start|ProcessStart[I]nfo|[W]Script\.Shell|\b[e]val\s{0,4}\(|[A]ssembly\.Load|From[B]ase64String/ nocase ascii wide
    condition:
        all of them
}

rule page_deserialises_request {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c26"
        title = "A page makes objects out of the request"
        description = "A formatter that is unsafe by design, called on a request item."
        level = "high"
        technique = "T1203"
        innocent = "Pages that keep their own state in a hidden field."
    strings:
        $call = /(Los|ObjectState|Binary|Soap|NetDataContract)[\w]{0,20}\s{0,9}\([^;]{0,40}\)\s{0,9}\.\s{0,9}[D]eserialize\s{0,9}\([^;]{0,120}\b[R]equest\s{0,9}[.\[]/ nocase ascii wide
    condition:
        page_with_code and $call
}
