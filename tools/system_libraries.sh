#!/bin/sh
# See that Debian has what Qt needs to open windows, here or on Xvfb; install it where we may.
# Usage: tools/system_libraries.sh
# Exit status 1 and the line to run when something is missing and we may not install it.
set -eu
packages="xvfb xauth libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 \
libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"

command -v dpkg-query >/dev/null || exit 0 # not Debian: Qt's wheels bring what other systems need

missing=
for package in $packages; do
    # newer Debian and Ubuntu call a library libfoo0t64 where bookworm says libfoo0
    if ! dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null | grep -q '^install ok installed'; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    echo "Installing system libraries for Qt:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >&2
else
    echo "Qt needs a few system libraries. Run this, then try again:" >&2
    echo "    sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
