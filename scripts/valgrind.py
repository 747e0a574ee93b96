#!/usr/bin/python3
"""Acceptance tests with every wsmd under valgrind: stories over HTTP and WebSocket, ends by signal, and clients with cuts and
a kill. Whatever valgrind says of any of them, an error or a lost block, is a failure. Takes minutes; --short is what `make
check` runs."""

import argparse
import os
import pathlib
import re
import sys
import tempfile

import check

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS_MAX = 1800  # of the stories, of the clients
SHORT = ["Http.test_a_store_reaches_two_clients_as_it_was_sent", "Http.test_exchanges_are_read_page_by_page",
         "Life.test_sigterm_and_sigint_end_it_cleanly"]
# All but two: one kills a server before it has done anything there, one ends it by two signals and leaves threads behind.
STORIES = ["CommandLine", "ConfigFile", "Secrets", "Tokens", "Http", "Limits"] + [f"Life.test_{name}" for name in (
    "sigterm_and_sigint_end_it_cleanly", "a_second_server_on_the_same_data_is_refused", "a_port_in_use_is_refused",
    "data_that_is_no_directory_or_no_log_is_refused", "it_listens_on_ipv6", "it_speaks_tls",
    "the_banner_has_all_that_a_newcomer_needs", "a_log_in_memory_begins_anew_and_says_that_it_keeps_nothing")]


def wrapper(folder, build):
    """A program to start in place of wsmd. What valgrind says goes to a file for each process."""
    script = folder / "wsmd"
    script.write_text(f"#!/bin/sh\nexec {' '.join(check.VALGRIND)} --log-file={folder}/said.%p {build}/bin/wsmd \"$@\"\n")
    script.chmod(0o755)
    return script


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--short", action="store_true", help="some stories only")
    parser.add_argument("--seconds", type=int, default=30, help="of clients with cuts and a kill")
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        script = wrapper(folder, build)
        environment = dict(os.environ, WSM_BUILD=str(build), WSM_WSMD=str(script), WSM_SLOW="1")
        stories = [sys.executable, "tests/acceptance/test_wsmd.py", *(SHORT if arguments.short else STORIES)]
        clients = [str(build / "tests/acceptance/torture"), "--wsmd", str(script), "--connections", "12", "--publishers", "6",
                   "--seconds", str(arguments.seconds), "--kills", "1"]
        for name, command in [("stories", stories)] + ([] if arguments.short else [("clients", clients)]):
            good, bad, seconds, output = check.run(command, environment, SECONDS_MAX)
            passed, failed = passed + good, failed + bad
            print(f"{name}: {good} passed, {bad} failed ({seconds:.0f} s)", flush=True)
            for line in check.REPORT.findall(output):
                print(f"report: {line}")
            if bad:
                print(output)
        said = {path: path.read_text() for path in folder.glob("said.*")}
    wrong = [text for text in said.values() if re.search(r"\S", text)]
    for text in wrong:
        print(text)
    passed, failed = passed + (not wrong and len(said) > 0), failed + (len(wrong) > 0 or len(said) == 0)
    print(f"report: {len(said)} times wsmd under valgrind, {len(wrong)} with an error or a lost block")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
