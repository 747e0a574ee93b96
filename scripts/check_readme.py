#!/usr/bin/python3
"""The README's example does what it says: compiled with all warnings against the build, it runs and prints the lines that
stand under it. Commands and files that the README names exist."""

import os
import pathlib
import re
import subprocess
import tempfile

from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
WARNINGS = "-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-unused-parameter -Werror".split()


def example():
    """The first C block of the README and the block of output after it."""
    text = (ROOT / "README.md").read_text()
    source = re.search(r"^```c\n(.*?)^```$", text, re.M | re.S)
    output = re.search(r"^```text\n(.*?)^```$", text[source.end():], re.M | re.S)
    return source.group(1), output.group(1)


def fits(shown, real):
    """Line by line; `…` stands for what differs from run to run."""
    shown, real = shown.splitlines(), real.splitlines()
    return len(shown) == len(real) and all(
        re.fullmatch(".*".join(re.escape(part) for part in s.split("…")), r) for s, r in zip(shown, real))


def main():
    tally = Tally()
    source, shown = example()
    with tempfile.TemporaryDirectory() as folder:
        path, program = pathlib.Path(folder, "example.c"), pathlib.Path(folder, "example")
        path.write_text(source)
        done = subprocess.run(["gcc", *WARNINGS, "-I", str(ROOT / "include"), "-o", str(program), str(path),
                               f"-L{BUILD}/lib", "-lwsm", f"-Wl,-rpath,{BUILD}/lib"], capture_output=True, text=True)
        if tally.check(done.returncode == 0, f"the example does not compile:\n{done.stderr}"):
            ran = subprocess.run([str(program)], capture_output=True, text=True, timeout=60)
            tally.check(ran.returncode == 0, f"the example ended with {ran.returncode}: {ran.stderr}")
            tally.check(fits(shown, ran.stdout), f"the README shows\n{shown}and the example prints\n{ran.stdout}")
    lines = len([line for line in source.splitlines() if line.strip()])
    tally.check(lines <= 32, f"the example has {lines} lines")

    text = (ROOT / "README.md").read_text()
    first = re.search(r"^```sh\n(.*?)^```$", text, re.M | re.S).group(1)
    tally.check([line.split("#")[0].strip() for line in first.splitlines()] == ["make run", "make check"],
                "the README does not open with make run and make check")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        tally.check((ROOT / target).exists(), f"the README links to {target}")
    for target in set(re.findall(r"`((?:lib|include|examples|tests|scripts|man|pkgconfig|tools)/[\w./-]+)`", text)):
        tally.check((ROOT / target).exists(), f"the README names {target}")
    tally.finish()


if __name__ == "__main__":
    main()
