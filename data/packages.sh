#!/usr/bin/env bash
# Installs those of the Debian packages PACKAGE ... that are missing; needs root or sudo only then.
set -euo pipefail

missing=()
for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Installing ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "$0: not root, and no sudo: as root, run 'apt-get install ${missing[*]}', then try again" >&2
        exit 1
    fi
    as_root=(sudo)
fi
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get)
"${install[@]}" -qq update </dev/null >/dev/null
"${install[@]}" -qq -y --no-install-recommends install "${missing[@]}" </dev/null >/dev/null
