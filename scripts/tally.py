"""Counts checks and ends a script as every test program of this project ends: `N passed, M failed`."""

import sys


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, ok, complaint):
        """One check. The complaint is printed if it failed."""
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED:", complaint)
        return ok

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)
