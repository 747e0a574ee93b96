#!/usr/bin/python3
"""make install, seen by a user: headers, libraries, pkg-config and manual are found where they belong, the README's example
builds against them shared and static and runs, and uninstall leaves nothing."""

import os
import pathlib
import re
import subprocess
import tempfile

from check_readme import example
from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
EXPECTED = """
include/wsm/wsm.h include/wsm/uv.h include/wsm/sqlite.h bin/wsmd bin/wsmcat bin/wsm-sim
lib/libwsm.a lib/libwsm.so lib/libwsm.so.0 lib/libwsm-uv.a lib/libwsm-uv.so lib/libwsm-sqlite.a lib/libwsm-sqlite.so
lib/pkgconfig/wsm.pc lib/pkgconfig/wsm-uv.pc lib/pkgconfig/wsm-sqlite.pc
include/wsm/log_test.h include/wsm/sim.h lib/libwsm-sim.a lib/libwsm-sim.so lib/pkgconfig/wsm-sim.pc
share/man/man1/wsmd.1 share/man/man1/wsmcat.1 share/man/man3/wsm.3 share/man/man3/wsm_conn_recv.3 share/man/man7/wsm-protocol.7
""".split()
ADAPTERS_SOURCE = """
#include <wsm/sqlite.h>
#include <wsm/uv.h>
int main(void) {
    wsm_sqlite_config config;
    wsm_uv_listener listener;
    wsm_sqlite_config_init(&config, sizeof config);
    wsm_uv_listener_init(&listener, sizeof listener);
    return listener.backlog ? 0 : 1;
}
"""
VERSION = re.search(r'^#define WSM_VERSION +"(.+)"$', (ROOT / "include/wsm/version.h").read_text(), re.M)[1]


def make(target, destination):
    return subprocess.run(["make", "--no-print-directory", target, f"BUILD={BUILD}", f"DESTDIR={destination}", "PREFIX=/usr"],
                          cwd=ROOT, capture_output=True, text=True)


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        destination, usr = pathlib.Path(folder, "root"), pathlib.Path(folder, "root/usr")
        done = make("install", destination)
        tally.check(done.returncode == 0, f"make install:\n{done.stdout}{done.stderr}")
        for name in EXPECTED:
            tally.check((usr / name).is_file(), f"make install did not put {name}")

        environment = dict(os.environ, PKG_CONFIG_PATH=str(usr / "lib/pkgconfig"), PKG_CONFIG_SYSROOT_DIR=str(destination),
                           PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1", PKG_CONFIG_ALLOW_SYSTEM_LIBS="1",
                           LD_LIBRARY_PATH=str(usr / "lib"))

        def flags(*arguments):
            text = subprocess.run(["pkg-config", *arguments], env=environment, capture_output=True, text=True)
            tally.check(text.returncode == 0, f"pkg-config {' '.join(arguments)}: {text.stderr}")
            # The system's own libraries are not below the folder that stands for the root.
            return [f for f in text.stdout.split() if f.startswith(str(usr)) or not f.startswith((f"-L{folder}", f"-I{folder}"))
                    or f in (f"-L{usr}/lib", f"-I{usr}/include")]

        def builds_and_runs(what, source, compile_flags, link_flags):
            path, program = pathlib.Path(folder, "example.c"), pathlib.Path(folder, "example")
            path.write_text(source)
            done = subprocess.run(["gcc", "-std=c11", *compile_flags, "-o", str(program), str(path), *link_flags,
                                   f"-Wl,-rpath-link,{usr}/lib"],
                                  capture_output=True, text=True)
            if tally.check(done.returncode == 0, f"{what} does not link:\n{done.stderr}"):
                ran = subprocess.run([str(program)], env=environment, capture_output=True, text=True, timeout=60)
                tally.check(ran.returncode == 0, f"{what} ended with {ran.returncode}: {ran.stderr}")

        for name in ("wsm", "wsm-uv", "wsm-sqlite", "wsm-sim"):
            told = flags("--modversion", name)
            tally.check(told == [VERSION], f"{name}.pc says version {' '.join(told) or 'nothing'}, expected {VERSION}")
            flags("--exists", "--print-errors", f"{name} >= {VERSION}")
            library = usr / f"lib/lib{name}.so.{VERSION}"
            tally.check(library.is_file() and not library.is_symlink(), f"make install did not put {library.name}")
        cflags = flags("--cflags", "wsm")
        builds_and_runs("the example, shared", example()[0], cflags, flags("--libs", "wsm"))
        # Debian has wslay and cJSON as shared objects only, so only ours are linked statically.
        static = [f"-l:lib{f[2:]}.a" if f.startswith("-lwsm") else f
                  for f in flags("--static", "--libs", "wsm")]
        builds_and_runs("the example, static", example()[0], cflags, static)
        names = ["wsm-uv", "wsm-sqlite"]
        builds_and_runs("the adapters, shared", ADAPTERS_SOURCE, flags("--cflags", *names), flags("--libs", *names))

        done = make("uninstall", destination)
        tally.check(done.returncode == 0, f"make uninstall:\n{done.stdout}{done.stderr}")
        left = [str(p.relative_to(usr)) for p in usr.rglob("*") if not p.is_dir() or p.is_symlink()]
        tally.check(not left, f"make uninstall left {', '.join(left)}")
    tally.finish()


if __name__ == "__main__":
    main()
