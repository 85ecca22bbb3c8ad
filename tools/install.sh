#!/bin/sh
# Make .venv with the project, its extras, PyQt6 and the test tools, at the versions of constraints.txt.
# Usage: tools/install.sh    (from anywhere; `make install` calls it when something changed)
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

find_uv() { # prints the path of uv, installing it below .uv when there is none
    if command -v uv; then return; fi
    if [ -x .uv/bin/uv ]; then echo .uv/bin/uv; return; fi
    say "Installing uv into .uv"
    if python3 -c 'import venv, ensurepip' 2>/dev/null; then
        python3 -m venv .uv >&2
        .uv/bin/python -m pip install -q uv >&2
    elif python3 -m pip --version >/dev/null 2>&1; then
        python3 -m pip install -q --target .uv uv >&2
    elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Python has neither venv nor pip: installing the package python3-venv"
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } >&2
        python3 -m venv .uv >&2
        .uv/bin/python -m pip install -q uv >&2
    else
        say "Python has neither venv nor pip. Run this, then try again:"
        say "    sudo apt-get install -y python3-venv"
        exit 1
    fi
    echo .uv/bin/uv
}

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "Python 3.11 or newer is needed; python3 here is $(python3 --version 2>&1)."
    exit 1
}
uv=$(find_uv)

# uv does not read pip's settings: hand over the index that an institution may have set for pip
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
fi

[ -x .venv/bin/python ] || "$uv" venv -q --seed --no-python-downloads --python "$(command -v python3)" .venv
VIRTUAL_ENV="$PWD/.venv" "$uv" pip install -q --python .venv/bin/python --constraint constraints.txt \
    --build-constraint constraints.txt --editable '.[all]' --group dev
say "Installed: .venv/bin/histoalign"
