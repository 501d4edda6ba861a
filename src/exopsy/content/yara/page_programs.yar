/*
  Pages that start programs, load them, compile them, or put machine code into memory.
*/

private rule server_code {
    strings:
        $directive = /<%@\s{0,40}(page|webhandler|webservice|control|servicehost|application|language)\b/ nocase ascii wide
        $script = /<script\b[^>]{0,300}runat\s{0,9}=\s{0,9}["']?server/ nocase ascii wide
        $block = /<%\s{0,40}[=]?\s{0,40}\w/ ascii wide
    condition:
        uint16be(0) != 0x4D5A and any of them
}

rule page_starts_program_of_request {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c11"
        title = "A page starts a program that the request names"
        description = "A start of a process, or of a shell object, with a request item in the same statement."
        level = "critical"
        technique = "T1059"
        innocent = "Tools of administrators, behind a logon; ask who put it there."
    strings:
        $start = /[P]rocess\s{0,9}\.\s{0,9}Start\s{0,9}\([^;]{0,160}\b[R]equest\s{0,9}[.\[(]/ nocase ascii wide
        $info = /\.(Arguments|FileName)\s{0,9}=\s{0,9}[^;]{0,120}\b[R]equest\s{0,9}(\[|\.(Form|QueryString|Item|Params|Headers|Cookies)\b)/ nocase ascii wide
        $process = /ProcessStart[I]nfo|Diagnostics\.[P]rocess/ nocase ascii wide
        $shell = /\.(run|exec|shellexecute)[\s(]{1,9}[^\r\n;]{0,120}\b[r]equest\s{0,9}[.(\[]/ nocase ascii wide
        $object = /[W]Script\.Shell|Shell\.[A]pplication|72C24DD5-D70A-438B-8A42-98424B88AFB8/ nocase ascii wide
    condition:
        server_code and ($start or ($info and $process) or ($shell and $object))
}

rule page_command_console {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c12"
        title = "A page is a console: it starts the command interpreter and shows what it says"
        description = "Command interpreter, redirected output, and what starts programs, in one page with input."
        level = "high"
        technique = "T1059.003"
        innocent = "Tools of administrators, behind a logon."
    strings:
        $cmd = /["'](%comspec%|[^"'\s]{0,60}\b[c]md(\.exe)?|[^"'\s]{0,60}power[s]hell(\.exe)?)["' ]/ nocase ascii wide
        $slash = /["']\s{0,4}\/c\b/ nocase ascii wide
        $output = /RedirectStandard[O]utput|StdOut\.ReadAll/ nocase ascii wide
        $start = /[P]rocess\b|\.exec\b/ nocase ascii wide
        $input = /<asp:TextBox|<input\b|\b[R]equest\s{0,9}[.\[(]/ nocase ascii wide
    condition:
        server_code and $cmd and $output and $start and $input and ($slash or #cmd > 0)
}

rule page_loads_program_of_request {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c13"
        title = "A page loads a program out of the request"
        description = "An assembly is loaded from bytes that the request carries, deciphered or decoded, and an object of it is made: the small loaders whose client sends all else."
        level = "critical"
        technique = "T1620"
        innocent = "None known; plug-in systems load from files."
    strings:
        $load = /([A]ssembly|CurrentDomain|AppDomain)\s{0,9}\.\s{0,9}(Load|GetMethod)\b|typeof\s{0,9}\([\w.]{0,60}[A]ssembly\s{0,9}\)|\.Load\s{0,9}\(\s{0,9}new\s/ nocase ascii wide
        $bytes = /\b[R]equest\s{0,9}(\.\s{0,9}(BinaryRead|InputStream|GetBufferlessInputStream)|\[|\.(Item|Form|QueryString|Params|Headers|Cookies)\b)/ nocase ascii wide
        $decipher = /Transform[F]inalBlock|From[B]ase64String|CreateDecryptor|GZipStream|DeflateStream/ nocase ascii wide
        $made = /\.Create[I]nstance\s{0,9}\(|\.EntryPoint\b|\.GetTypes?\s{0,9}\(/ nocase ascii wide
    condition:
        server_code and filesize < 400KB and all of them
}

rule page_keeps_program_in_session {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c14"
        title = "A page keeps a loaded program in the session and hands it the request"
        description = "An object made of an assembly in the session, and the request's context given to it through a harmless method."
        level = "high"
        technique = "T1620"
        innocent = "None known."
    strings:
        $session = /\(\s{0,9}([\w.]{0,40}\.)?[A]ssembly\s{0,9}\)\s{0,9}[\w.]{0,40}(Session|Application|Cache)\b/ nocase ascii wide
        $made = /Create[I]nstance/ nocase ascii wide
        $handed = /\.(Equals|ToString|GetHashCode)\s{0,9}\(\s{0,9}(this|Context|HttpContext|outStream|data|new\s{0,9}object)?/ nocase ascii wide
    condition:
        server_code and all of them
}

rule page_compiles_request {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c15"
        title = "A page compiles text of the request"
        description = "A compiler, and a request item, in one page without code behind it."
        level = "high"
        technique = "T1027.004"
        innocent = "Teaching sites that compile what visitors write."
    strings:
        $compile = /[C]ompileAssemblyFrom(Source|Dom)/ nocase ascii wide
        $bytes = /\b[R]equest\s{0,9}(\[|\.(Item|Form|QueryString|Params|Headers|Cookies|InputStream|BinaryRead)\b)|\.Text\b/ nocase ascii wide
        $run = /\.Invoke\s{0,9}\(|Create[I]nstance/ nocase ascii wide
    condition:
        server_code and all of them
}

rule page_runs_machine_code {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c16"
        title = "A page puts machine code into memory and runs it"
        description = "System calls that allocate memory to run and start a thread in it, imported by a page."
        level = "critical"
        technique = "T1055"
        innocent = "None known."
    strings:
        $import = /DllImport|Declare\s{1,9}(Auto\s{1,9})?Function/ nocase ascii wide
        $memory = /Virtual[A]lloc|VirtualProtect|HeapCreate/ nocase ascii wide
        $run = /Create(Remote)?[T]hread\b|GetDelegateForFunctionPointer|EnumSystemLocales|QueueUserAPC|CallWindowProc/ nocase ascii wide
    condition:
        server_code and all of them
}

rule page_holds_program {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c17"
        title = "A page holds a program as text and loads it"
        description = "The beginning of a Windows program in base64 or as numbers, and a loader, in one page."
        level = "high"
        technique = "T1027.009"
        innocent = "Single-file tools that carry a library; rare in a web root."
    strings:
        $base64 = /["']TV[qpor][A-Za-z0-9+\/]{200}/ ascii wide
        $numbers = /\{\s{0,9}0x4d,\s{0,4}0x5a,|\{\s{0,9}77,\s{0,4}90,\s{0,4}\d{1,3},/ nocase ascii wide
        $load = /\.\s{0,9}Load\s{0,9}\(|Create[I]nstance|WriteAllBytes|GetMethod/ nocase ascii wide
    condition:
        server_code and ($base64 or $numbers) and $load
}

rule page_runs_database_shell {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c18"
        title = "A page runs commands of the system through a database"
        description = "The procedures of SQL Server that start programs, named in a page."
        level = "medium"
        technique = "T1505.001"
        innocent = "Tools of database administrators."
    strings:
        $procedure = /xp_[c]mdshell|sp_oa[c]reate|xp_regwrite/ nocase ascii wide
        $asks = /SqlConnection|SqlCommand|ADODB\.|OleDb/ nocase ascii wide
    condition:
        server_code and $procedure and $asks
}
