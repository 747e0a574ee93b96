#!/usr/bin/python3
"""Every header compiles alone: the public ones as C11 and as C++ (all warnings), the inner ones as C11."""

import concurrent.futures
import os
import pathlib
import subprocess

from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent
C11 = "gcc -xc -std=c11 -fsyntax-only -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -Iinclude -iquote lib".split()
CPP = "g++ -xc++ -std=c++11 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -Iinclude".split()


def compile_alone(command, header):
    source = f'#include "{header}"\nextern int not_empty;\n'
    done = subprocess.run([*command, "-"], input=source, cwd=ROOT, capture_output=True, text=True)
    return done.returncode == 0, f"{header} as {'C++' if command is CPP else 'C11'}:\n{done.stderr}"


def main():
    tally = Tally()
    public = [str(p.relative_to(ROOT / "include")) for p in sorted((ROOT / "include/wsm").glob("*.h"))]
    inner = [str(p.relative_to(ROOT / "lib")) for p in sorted((ROOT / "lib").rglob("*.h")) if "adapters" not in p.parts]
    jobs = [(C11, h) for h in public + inner] + [(CPP, h) for h in public]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for ok, complaint in pool.map(lambda job: compile_alone(*job), jobs):
            tally.check(ok, complaint)
    tally.finish()


if __name__ == "__main__":
    main()
