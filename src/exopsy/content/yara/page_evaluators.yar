/*
  Pages that run text of the request. Names that matter are written in hexadecimal or with a class of
  one letter, so that this file is not taken for what it looks for.
*/

private rule server_page {
    strings:
        $directive = /<%@\s{0,40}(page|webhandler|webservice|control|servicehost|application|language|codepage)\b/ nocase ascii wide
        $script = /<script\b[^>]{0,300}runat\s{0,9}=\s{0,9}["']?server/ nocase ascii wide
        $block = /<%\s{0,200}[=#]?\s{0,40}[\w.(\/]/ ascii wide
    condition:
        uint16be(0) != 0x4D5A and any of them
}

rule page_evaluates_request {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c01"
        title = "A page runs text of the request as script"
        description = "An evaluator called on a request item, in JScript, VBScript or through a decoder; the one-line shell."
        level = "critical"
        technique = "T1505.003"
        innocent = "None known in a page that is served; tutorials and scanners hold it as text."
    strings:
        // e-v-a-l ( ... request within the same expression
        $jscript = /\b[e]val\s{0,20}\(\s{0,20}(System\.[\w.()\s"-]{0,160}|[e]val\s{0,9}\(\s{0,9}|unescape\s{0,9}\(|["']{0,2})(Context\.)?[R]equest\b/ nocase ascii wide
        $classic = /<%[\s=]{0,40}([e]val|[e]xecute(global)?)[\s(]{1,20}[r]equest\b/ nocase ascii wide
        $line = /(^|[\n:])\s{0,40}[e]xecute(global)?[\s(]{1,20}[r]equest\b/ nocase ascii wide
        $jscript_net = /JScript[E]valuate\s{0,9}\(\s{0,9}(Context\.|HttpContext\.Current\.)?[R]equest\b/ nocase ascii wide
    condition:
        server_page and any of them
}

rule page_evaluates_unsafe {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c02"
        title = "A page runs text as script without JScript's own limits"
        description = "An evaluator called with its second argument that lifts all limits, on anything but a constant."
        level = "high"
        technique = "T1505.003"
        innocent = "Very old JScript.NET pages that calculate; they do not name the request."
    strings:
        $call = /\b[e]val\s{0,20}\([^;\n]{1,600},\s{0,9}["'][u]nsafe["']\s{0,9}\)/ nocase ascii wide
    condition:
        server_page and $call
}

rule page_hides_evaluator {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c03"
        title = "A page writes the name of an evaluator with escapes or pieces"
        description = "An evaluator's name in unicode or hexadecimal escapes, or put together and called on the page itself."
        level = "high"
        technique = "T1027"
        innocent = "None known."
    strings:
        $escaped = /(\\u0065|\\x65|\\U00000065|[e])(\\u0076|\\x76|\\U00000076|v)(\\u0061|\\x61|\\U00000061|a)(\\u006c|\\x6c|\\U0000006c|l)/ nocase ascii
        $plain = /[e]val/ nocase ascii
        $pieces = /this\s{0,9}\[\s{0,9}["'][a-z]{0,4}["']\s{0,9}\+\s{0,9}["'][a-z]{0,4}["']\s{0,9}[\]+]/ nocase ascii wide
    condition:
        server_page and (#escaped > #plain or $pieces)
}

rule page_script_encoded {
    meta:
        id = "60c1d1a0-4a73-4c2e-9b7a-0d5a0a4f7c04"
        title = "A page's server script is encoded with the Script Encoder"
        description = "Encoded VBScript or JScript in a server page."
        level = "medium"
        technique = "T1027.013"
        innocent = "Commercial classic ASP products of around 2000 shipped encoded."
    strings:
        $mark = { 23 40 7E 5E }
        $language = /language\s{0,9}=\s{0,9}["']?(vb|j)script\.encode/ nocase ascii wide
    condition:
        server_page and $mark and $language
}
