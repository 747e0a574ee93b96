#!/usr/bin/python3
"""Compares the JSON Schema of the messages with the decoder, over all samples that are made from the message table.

    compare_schema.py path/to/protodoc path/to/test_proto_messages

`protodoc --schema` prints the schema, `test_proto_messages --samples` messages with the decoder's verdict: what the decoder
takes the schema must take. What the decoder refuses the schema must refuse too, but for what a schema cannot say: that a
word must be written without escapes and a whole number without exponent, that a word is the hub's alone, that a day exists.
Each type of message counts as one test."""
import json
import subprocess
import sys

import jsonschema

BEYOND_A_SCHEMA = ["\\u00", ":1e3", '"expired"', '"lease_ended"', '"offline"', '"2026-13']


def main():
    protodoc, samples = sys.argv[1:]
    schema = json.loads(subprocess.run([protodoc, "--schema"], check=True, capture_output=True).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    types = {name: jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})
             for name in schema["$defs"]}
    lines = subprocess.run([samples, "--samples"], check=True, capture_output=True, text=True).stdout.splitlines()
    compared = skipped = 0
    seen, failed = set(), set()
    for line in lines:
        verdict, name, text = line.split(" ", 2)
        seen.add(name)
        if verdict == "wrong" and any(word in text for word in BEYOND_A_SCHEMA):
            skipped += 1
            continue
        compared += 1
        error = next(types[name].iter_errors(json.loads(text)), None)
        if (error is None) != (verdict == "right"):
            failed.add(name)
            print(f"the decoder says {verdict}: {text[:300]}\n    the schema: {error.message[:300] if error else 'right'}")
    print(f"{compared} messages compared; {skipped} that a schema cannot judge")
    if compared < 1000:
        failed.add("too few messages")
    print(f"{len(seen - failed)} passed, {len(failed)} failed")
    return len(failed) > 0


if __name__ == "__main__":
    sys.exit(main())
