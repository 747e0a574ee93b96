#!/usr/bin/python3
"""Shell scripts pass shellcheck, Python scripts compile."""

import pathlib
import subprocess

from tally import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    tally = Tally()
    shell = [ROOT / ".ci/run", *sorted((ROOT / "scripts").glob("*.sh")), *sorted((ROOT / "tests").rglob("*.sh"))]
    for path in shell:
        if "node_modules" not in path.parts:
            done = subprocess.run(["shellcheck", str(path)], capture_output=True, text=True)
            tally.check(done.returncode == 0, f"{path.relative_to(ROOT)}:\n{done.stdout}{done.stderr}")
    for top in ("scripts", "tests", "examples"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if "node_modules" not in path.parts:
                try:
                    compile(path.read_text(), str(path), "exec")
                    tally.check(True, "")
                except SyntaxError as error:
                    tally.check(False, f"{path.relative_to(ROOT)}: {error}")
    tally.finish()


if __name__ == "__main__":
    main()
