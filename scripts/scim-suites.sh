#!/usr/bin/env bash
# scim-suites.sh: installs the public conformance suites of SCIM into a Python environment below target/scim-suites.
# Their versions, and those of all that they need, are in scim-suites.txt. Nothing to do when they are there already.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

versions=$repository/scripts/scim-suites.txt
home=$target/scim-suites
# Written when all is done: an installation that was interrupted is made anew.
installed=$home/installed.txt
! cmp -s "$versions" "$installed" || exit 0

python=$(command -v python3) || die "python3 is missing: run scripts/setup.sh"
mkdir -p "$target"
log=$target/scim-suites.log
say "Installing the conformance suites from PyPI (half a minute; details in $log)"
rm -rf "$home"
"$python" -m venv "$home" >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    die "python3 cannot make a virtual environment: install the package python3-venv"
}
"$home/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --retries 2 --timeout 30 \
    --requirement "$versions" >>"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    die "the conformance suites could not be fetched from PyPI: is there a network? PIP_INDEX_URL names a mirror, PIP_PROXY a proxy"
}
cp "$versions" "$installed"
