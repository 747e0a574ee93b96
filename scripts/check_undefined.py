#!/usr/bin/python3
"""What the core asks of the world (I-67): the undefined symbols of libwsm.a are an exact list, and it keeps no state.

No object calls a clock, a random source, a socket, a file, a thread, a locale, printf, abort or exit; the one file of
built-in defaults asks for clocks and random bytes, the one door to memory for the default allocator. assert() is the only way to die."""

import os
import pathlib
import re
import subprocess

from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))

LIBC = set("memcpy memmove memset memcmp memchr strchr strcmp strcspn strlen strspn strcspn".split())
COMPILER = set("_GLOBAL_OFFSET_TABLE_ __stack_chk_fail bcmp __memcpy_chk __memset_chk __memmove_chk".split())
ASSERT = {"__assert_fail"}
# Object of libwsm.a -> what it alone may ask for.
SPECIAL = {
    "defaults.o": r"clock_gettime|getrandom|__errno_location",
    "mem.o": r"realloc|free",
    "ws.o": r"wslay_frame_\w+",
    "json.o": r"cJSON_\w+",
    "crypto.o": r"mbedtls_\w+",
}
# Writable data of the core: the atomic lock around cJSON, which has a global of its own.
STATE = {"json.o": 1}


def symbols_of(archive):
    """Object -> (defined, undefined) names."""
    output = subprocess.run(["nm", "-A", str(archive)], capture_output=True, text=True, check=True).stdout
    objects = {}
    for line in output.splitlines():
        place, _, rest = line.rpartition(":")
        kind, name = rest.split()[-2:]
        defined, undefined = objects.setdefault(place.rpartition(":")[2], (set(), set()))
        (undefined if kind in "Uw" else defined).add(name)
    return objects


def writable_of(archive):
    """Object -> names in sections that can be written at run time (constants that only the loader relocates excepted)."""
    output = subprocess.run(["objdump", "-t", str(archive)], capture_output=True, text=True, check=True).stdout
    found, current = {}, None
    for line in output.splitlines():
        head = re.match(r"(\S+):\s+file format", line)
        if head:
            current = head.group(1)
            continue
        symbol = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$", line)
        if not symbol or "d" in symbol.group(1):
            continue
        section, name = symbol.group(2), symbol.group(3)
        if re.match(r"(\.data|\.bss|\.tdata|\.tbss|\*COM\*)", section) and not section.startswith(".data.rel.ro"):
            found.setdefault(current, set()).add(name)
    return found


def main():
    tally = Tally()
    archive = BUILD / "lib/libwsm.a"
    objects = symbols_of(archive)
    own = set().union(*(defined for defined, _ in objects.values()))
    used = set()
    for name, (_, undefined) in sorted(objects.items()):
        outside = undefined - own
        used |= outside
        special = re.compile(SPECIAL.get(name, r"$^"))
        wrong = {s for s in outside if s not in LIBC | COMPILER | ASSERT and not special.fullmatch(s)}
        tally.check(not wrong, f"{name} calls {', '.join(sorted(wrong))}")
    state = writable_of(archive)
    for name in sorted(objects):
        variables = state.get(name, set())
        tally.check(len(variables) <= STATE.get(name, 0), f"{name} keeps state: {', '.join(sorted(variables))}")
    # The list is exact: a permission that nobody needs goes away.
    tally.check(LIBC <= used, f"allowed but not used: {', '.join(sorted(LIBC - used))}")
    tally.finish()


if __name__ == "__main__":
    main()
