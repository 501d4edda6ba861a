/*
  Server code where none belongs: property sheets, mailboxes, certificate requests, pictures,
  configuration; and pages changed to keep passwords.
*/

private rule directive_somewhere {
    strings:
        $directive = /<%@\s{0,40}(page|webhandler|webservice|control|servicehost)\b/ nocase ascii
        $script = /<script\b[^>]{0,300}runat\s{0,9}=\s{0,9}["']?server/ nocase ascii
    condition:
        any of them
}

rule oab_property_sheet_with_script {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c31"
        title = "Properties of a virtual directory, with script as an address"
        description = "What writing the properties of the address book's virtual directory leaves, with server script in ExternalUrl or InternalUrl."
        level = "critical"
        technique = "T1505.003"
        innocent = "None."
        reference = "C05 ProxyLogon; P02"
    strings:
        $url = /(External|Internal)Url\s{1,60}:\s{1,9}[^\r\n]{0,200}(<script\b|<%)/ nocase ascii wide
        $sheet1 = /(^|[\r\n])(PollInterval|OfflineAddressBooks|MetabasePath|AdminDisplayName|DistinguishedName|WhenChanged(UTC)?|ObjectCategory|OrganizationId|VirtualDirectory|Identity)\s{1,60}:/ nocase ascii wide
    condition:
        $url and #sheet1 > 1
}

rule mailbox_file_with_page {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c32"
        title = "An exported mailbox holds a page"
        description = "The mark of a mailbox file, and a page's directive or server script in it: an export written as a page."
        level = "critical"
        technique = "T1505.003"
        innocent = "A real mailbox with mail about ASP.NET; then its name ends in .pst."
        reference = "C08 ProxyShell; P03"
    condition:
        uint32be(0) == 0x2142444E and directive_somewhere
}

rule certificate_file_with_page {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c33"
        title = "A certificate request holds a page"
        description = "DER at the beginning, and a page's directive or server script in it: a request file written as a page."
        level = "critical"
        technique = "T1505.003"
        innocent = "None known."
        reference = "C08 ProxyShell; P03"
    condition:
        (uint16be(0) == 0x3082 or uint16be(0) == 0x3081) and filesize < 64KB and directive_somewhere
}

rule picture_with_page {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c34"
        title = "What begins as a picture or document holds a page"
        description = "The mark of a picture or document, and a page's directive or server script."
        level = "high"
        technique = "T1036.008"
        innocent = "A document about ASP.NET, by its name."
    condition:
        (uint32be(0) == 0x47494638 or uint32be(0) == 0x89504E47 or uint32be(0) & 0xFFFFFF00 == 0xFFD8FF00 or uint32be(0) == 0x25504446)
        and directive_somewhere
}

rule configuration_runs_static_files {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c35"
        title = "A configuration makes the server run pictures or itself as pages"
        description = "A handler or build provider of pages for names that are none: pictures, texts, .config."
        level = "high"
        technique = "T1505.004"
        innocent = "Products that serve pictures through a handler of their own name another type."
        reference = "P04"
    strings:
        $handler = /<add\b[^<>]{0,300}path\s{0,9}=\s{0,9}["'][^"']{0,20}\.(config|jpe?g|gif|png|bmp|ico|txt|css|js|log|html?)["'][^<>]{0,300}(asp\.dll|PageHandlerFactory|SimpleHandlerFactory)/ nocase ascii wide
        $builder = /<add\b[^<>]{0,200}extension\s{0,9}=\s{0,9}["']\.(config|jpe?g|gif|png|bmp|ico|txt|css|js|log|html?)["'][^<>]{0,200}(PageBuildProvider|WebHandlerBuildProvider)/ nocase ascii wide
    condition:
        any of them
}

rule configuration_with_code {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c36"
        title = "A configuration file holds server code"
        description = "Code marks inside XML configuration, with what reads the request or runs things."
        level = "high"
        technique = "T1505.004"
        innocent = "None known."
        reference = "P04"
    strings:
        $config = /<configuration\b/ nocase ascii wide
        $code = /<%[^>]{0,400}\b([R]equest|[e]val|[e]xecute|[C]reateObject)\b/ nocase ascii wide
    condition:
        all of them
}

rule page_keeps_passwords {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c37"
        title = "A page writes typed passwords to a file"
        description = "A form's password field and a call that appends to a file, in one statement or close by."
        level = "high"
        technique = "T1056.003"
        innocent = "Badly written applications that log what they are sent."
        reference = "P05"
    strings:
        $append = /(AppendAll(Text|Lines)|WriteAllText|StreamWriter|AppendText|OpenTextFile)[^;]{0,300}[R]equest[^;]{0,40}["'](txt)?(pass(word|wd)?|pwd)["']/ nocase ascii wide
        $later = /[R]equest(\.Form|\.Params)?\s{0,4}[\[(]\s{0,4}["'](txt)?(pass(word|wd)?|pwd)["'][^%]{0,600}(AppendAll(Text|Lines)|AppendText\s{0,4}\(|OpenTextFile)/ nocase ascii wide
    condition:
        any of them
}

rule script_sends_passwords {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c38"
        title = "Script puts a typed password into an address or a message to elsewhere"
        description = "The value of a password field, and a request, picture or bot that is given it, close by."
        level = "high"
        technique = "T1056.003"
        innocent = "Logons that send the password to their own server in a body; those do not match."
        reference = "P05"
    strings:
        $picture = /\.src\s{0,4}=\s{0,4}[^;]{0,200}(passw|pwd)[\w.]{0,20}\.value/ nocase ascii wide
        $address = /\.open\s{0,4}\(\s{0,4}["'](GET|POST)["']\s{0,4},[^;]{1,200}[?&][^;]{0,120}(passw|pwd)[\w"'()]{0,20}\.value/ nocase ascii wide
        $hook = /clkL[g]n\b/ ascii wide
        $read = /(gbid|getElementById)\(\s{0,4}["'](passw|pwd)\w{0,10}["']\s{0,4}\)\.value/ nocase ascii wide
        $send = /XMLHttpRequest|fetch\s{0,4}\(|sendBeacon|new\s{1,4}Image/ ascii wide
        $bot = /api\.teleg[r]am\.org\/bot/ nocase ascii wide
    condition:
        $picture or $address or ($hook and $read and $send) or ($read and $bot)
}
