"""Which targets are the same, by the letter of RFC 3986.

The grammar is that of its appendix A, the removal of dot segments goes step
by step as 5.2.4 says it, and speed does not matter: this is the second opinion
on what the conformance cases state.
"""

import re

HEX = "[0-9A-Fa-f]"
ESCAPE = f"%{HEX}{HEX}"
UNRESERVED = r"A-Za-z0-9._~\-"
SUB = "!$&'()*+,;="
REG_NAME = f"(?:[{UNRESERVED}{SUB}]|{ESCAPE})+"
PCHAR = f"(?:[{UNRESERVED}{SUB}:@]|{ESCAPE})"
OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])"
IPV4 = rf"{OCTET}\.{OCTET}\.{OCTET}\.{OCTET}"
H16 = f"{HEX}{{1,4}}"
LS32 = f"(?:{H16}:{H16}|{IPV4})"
IPV6 = "|".join((
    f"(?:{H16}:){{6}}{LS32}",
    f"::(?:{H16}:){{5}}{LS32}",
    f"(?:{H16})?::(?:{H16}:){{4}}{LS32}",
    f"(?:(?:{H16}:){{0,1}}{H16})?::(?:{H16}:){{3}}{LS32}",
    f"(?:(?:{H16}:){{0,2}}{H16})?::(?:{H16}:){{2}}{LS32}",
    f"(?:(?:{H16}:){{0,3}}{H16})?::{H16}:{LS32}",
    f"(?:(?:{H16}:){{0,4}}{H16})?::{LS32}",
    f"(?:(?:{H16}:){{0,5}}{H16})?::{H16}",
    f"(?:(?:{H16}:){{0,6}}{H16})?::"))
IPVFUTURE = rf"[vV]{HEX}+\.[{UNRESERVED}{SUB}:]+"
HOST = rf"\[(?:{IPV6}|{IPVFUTURE})\]|{REG_NAME}"
# RFC 9110 4.2.1 and 4.2.4: a host that is not empty, no userinfo.
HTTP = re.compile(rf"([hH][tT][tT][pP][sS]?)://({HOST})(?::([0-9]*))?"
                  rf"((?:/{PCHAR}*)*)"
                  rf"(?:\?(?:{PCHAR}|[/?])*)?(?:#(?:{PCHAR}|[/?])*)?")
PAM = re.compile(rf"pam://({REG_NAME})/({PCHAR}+)/({PCHAR}+)")


def without_dots(path):
    """RFC 3986 5.2.4, its steps by their letters."""
    out = ""
    while path:
        if path.startswith("../"):                      # A
            path = path[3:]
        elif path.startswith("./"):
            path = path[2:]
        elif path.startswith("/./") or path == "/.":    # B
            path = "/" + path[3:]
        elif path.startswith("/../") or path == "/..":  # C
            path = "/" + path[4:]
            out = out[:out.rfind("/")] if "/" in out else ""
        elif path in (".", ".."):                       # D
            path = ""
        else:                                           # E
            end = path.find("/", 1)
            end = len(path) if end < 0 else end
            out, path = out + path[:end], path[end:]
    return out


def escapes(text):
    """RFC 3986 6.2.2.1, capital digits, and 6.2.2.2, no idle escapes."""
    def one(found):
        char = chr(int(found.group()[1:], 16))
        return (char if re.fullmatch(f"[{UNRESERVED}]", char)
                else found.group().upper())
    return re.sub(ESCAPE, one, text)


def http(uri):
    """An http or https URI normalised, without query and fragment; None."""
    found = HTTP.fullmatch(uri)
    if found is None:
        return None
    scheme, host, port, path = found.groups()
    scheme = scheme.lower()
    # small letters first: the digits of escapes are capitals afterwards
    host = re.sub(rf"({ESCAPE})|([^%]+)", lambda m: m.group(1) or
                  m.group(2).lower(), escapes(host))
    if port in (None, "", "443" if scheme == "https" else "80"):
        port = ""
    elif int(port) > 65535:
        return None     # no port of TCP
    return scheme, host, port, without_dots(escapes(path)) or "/"


def pam(uri):
    """The three parts of a pam target, decoded to bytes; None."""
    found = PAM.fullmatch(uri)
    if found is None:
        return None
    parts = [re.sub(ESCAPE.encode(), lambda m: bytes([int(m.group()[1:], 16)]),
                    part.encode()) for part in found.groups()]
    if any(p in (b".", b"..") or b"\0" in p for p in parts):
        return None
    return parts


def is_same(htu, want):
    """Is htu the target that is wanted?"""
    for scheme, read in (("http:", http), ("https:", http), ("pam:", pam)):
        fold = str.lower if read is http else str
        if fold(want).startswith(scheme):
            assert read(want) is not None, want
            return read(htu) == read(want)
    return htu == want
