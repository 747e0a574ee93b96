#!/bin/sh
# Installs what is missing on Debian: `deps.sh run` what building and running needs, `deps.sh check` what testing needs
# too, `deps.sh fuzz` libFuzzer as well. Asks dpkg first, so it is quick and needs no network when everything is there.
set -eu

run="gcc libc6-dev make pkg-config libwslay-dev libmbedtls-dev libcjson-dev uthash-dev libuv1-dev libsqlite3-dev"
check="$run g++ clang clang-format clang-tidy valgrind libcmocka-dev mandoc shellcheck python3 python3-websockets python3-jsonschema curl openssl procps chromium"

# Programs that do not always come in the package of Debian's name.
check_programs="node:nodejs npm:npm"

case "${1:-}" in
run) wanted=$run programs="" ;;
check) wanted=$check programs=$check_programs ;;
fuzz) wanted="$check libclang-rt-14-dev" programs=$check_programs ;; # of the clang in Debian 12
*)
    echo "usage: deps.sh run|check|fuzz" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: this is no Debian system; what is needed is in these packages there: $wanted"
    exit 0
fi

missing=""
for package in $wanted; do
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)" in
    *" installed") ;;
    *) missing="$missing $package" ;;
    esac
done
for pair in $programs; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: please install as root: apt-get install$missing" >&2
        exit 1
    fi
    sudo=sudo
fi

echo "deps: installing$missing"
apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@" </dev/null
}
# The lists of a new machine are empty or old; the packages are asked for once more with new ones.
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $missing >/dev/null 2>&1 || {
    apt update
    apt install -y --no-install-recommends $missing
}
