#!/usr/bin/env bash
# clean.sh: deletes what was built and the demo's data, also where server_folder had to put it below /tmp.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ ! -L "$target/demo/postgres" ] || rm -rf "$(readlink "$target/demo/postgres")"
rm -rf "$target"
