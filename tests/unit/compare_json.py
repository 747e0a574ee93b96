#!/usr/bin/env python3
"""Compares the strict scanner with Python's json over mutated documents.

    compare_json.py path/to/test_proto_scan [path/to/test_proto_scan_portable ...]

Each program is called with --verdicts and must say the same as the reference below: Python's json in strict mode, which is
told to refuse what the scanner refuses beyond the grammar (\\u0000, lone surrogates, numbers that overflow, too much depth,
too many values, long keys). The documents are made from a fixed seed, so a failure comes back; the corpus
of the fuzz target joins them.
"""
import json
import pathlib
import random
import subprocess
import sys

ROUNDS = 20000
CORPUS = pathlib.Path(__file__).resolve().parent.parent / 'fuzz' / 'corpus' / 'json_scan'
DEPTH_MAX, VALUES_MAX, KEY_BYTES_MAX, COMPARED_MAX = 32, 4096, 128, 64

SEEDS = [
    b'{"type":"memory_update","message_id":"0190e0a0-7b1c-7def-8123-456789abcdef","exchange":{"q":"x","n":[1,2.5e3,-0]}}',
    b'{"a":[true,false,null,{"b":{"c":[[],{},""]}}],"d":"\\u20ac\\ud83d\\ude00\\n\\\\\\"/"}',
    '{"é":"€uro 😀 and some more text that is longer than sixteen bytes","ß":[1e308,1.7976931348623157e308]}'.encode(),
    b'[0,-1,10.25,1E+2,1e-2,123456789012345678901234567890,0.0001e312]',
    b' [ 1 , "a\\tb" , { "k" : "v" , "k2" : [ ] } ] \n',
    b'{"a":1,"a":2,"b":{"c":1,"\\u0063":2}}',
    b'"just a string with an \\u00e9scape"',
    b'-0.5e-7',
    b'[' * 31 + b'{}' + b']' * 31,
    b'{"k":' * 30 + b'1' + b'}' * 30,
]
PIECES = [
    b'"', b'\\', b'{', b'}', b'[', b']', b',', b':', b'0', b'1', b'-', b'+', b'.', b'e', b'E', b'e309', b'e308', b'00',
    b'true', b'false', b'null', b'NaN', b'Infinity', b'\\u0000', b'\\ud800', b'\\udc00', b'\\u0041', b'\\n', b'\\x', b'\x00',
    b'\x1f', b'\x7f', b'\x80', b'\xc0\x80', b'\xe2\x82\xac', b'\xed\xa0\x80', b'\xf0\x9f\x98\x80', b'\xf4\x90\x80\x80',
    b'\xef\xbb\xbf', b' ', b'\n', b'\t', b'\r', b'\x0b', b'\xc2\xa0', b'[[[[', b'"a":1,', b',"a":1', b'/**/', b"'", b'{"":0}',
    b'1' * 309, b'k' * 129, b'[' * 33, b'"x' * 3,
]


class Refused(Exception):
    pass


def number(text):
    if float(text) in (float('inf'), float('-inf')):
        raise Refused
    return 0


def constant(_):
    raise Refused


class Object(list):
    """The members as they stand, duplicates too."""


def inspect(value, depth, seen):
    """Counts values, and collects what only we refuse. The depth of recursion is bounded by DEPTH_MAX."""
    seen['values'] += 1
    if isinstance(value, str):
        text(value)
    if isinstance(value, (list, Object)):
        if depth == DEPTH_MAX:
            raise Refused
        if isinstance(value, Object):
            keys = [key for key, _ in value]
            for key in keys:
                text(key)
            if len(set(keys)) < len(keys) or len(keys) > COMPARED_MAX:
                seen['duplicates'] = True
        for item in value:
            inspect(item[1] if isinstance(value, Object) else item, depth + 1, seen)


def text(string):
    if '\0' in string:
        raise Refused
    string.encode('utf-8')  # fails for a lone surrogate


def has_long_key(document):
    """Keys are measured as written, which Python does not tell: a string followed by a colon."""
    at = 0
    while (at := document.find(b'"', at)) >= 0:
        end = at + 1
        while document[end:end + 1] != b'"':
            end += 2 if document[end:end + 1] == b'\\' else 1
        if document[end + 1:].lstrip(b' \t\r\n')[:1] == b':' and end - at - 1 > KEY_BYTES_MAX:
            return True
        at = end + 1
    return False


def reference(document):
    try:
        value = json.loads(document.decode('utf-8'), object_pairs_hook=Object, parse_int=number, parse_float=number,
                           parse_constant=constant)
        seen = {'values': 0, 'duplicates': False}
        inspect(value, 0, seen)
    except (ValueError, Refused, RecursionError):
        return 'r'
    if seen['values'] > VALUES_MAX or has_long_key(document):
        return 'r'
    return 'd' if seen['duplicates'] else 'a'


def mutate(rng, document):
    document = bytearray(document)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        at = rng.randrange(len(document) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            document[at:at] = rng.choice(PIECES)
        elif kind == 1:
            del document[at:at + rng.choice((1, 1, 2, 8))]
        elif kind == 2 and at < len(document):
            document[at] = rng.randrange(256)
        elif kind == 3:
            document[at:at + 1] = rng.choice(PIECES)
        else:
            other = rng.randrange(len(document) + 1)
            document[at:at] = document[min(at, other):max(at, other)][:40]
    return bytes(document)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rng = random.Random(20260102)
    documents = [mutate(rng, rng.choice(SEEDS)) for _ in range(ROUNDS)]
    documents += [path.read_bytes()[1:] for path in sorted(CORPUS.iterdir())]  # the first byte picks limits there
    expected = ''.join(map(reference, documents))
    stream = b''.join(b'%d\n%b' % (len(d), d) for d in documents)
    for program in sys.argv[1:]:
        verdicts = subprocess.run([program, '--verdicts'], input=stream, capture_output=True, check=True).stdout.decode().strip()
        if len(verdicts) != len(expected):
            sys.exit(f'{program}: {len(verdicts)} verdicts for {len(expected)} documents')
        wrong = [i for i in range(len(documents)) if verdicts[i] != expected[i]]
        for i in wrong[:10]:
            print(f'{program}: says {verdicts[i]}, expected {expected[i]}: {documents[i]!r}')
        if wrong:
            sys.exit(f'{program}: {len(wrong)} of {len(documents)} verdicts differ')
        counts = ', '.join(f'{expected.count(v)} {name}' for v, name in (('a', 'accepted'), ('d', 'ambiguous'), ('r', 'refused')))
        print(f'{program}: {len(documents)} verdicts agree ({counts})')
    print(f'{len(sys.argv) - 1} passed, 0 failed')


main()
