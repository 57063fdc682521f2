#!/usr/bin/env bash
# clean.sh: deletes what was built and the data of demo and bench, also where server_folder had to put it below /tmp.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

for link in "$target/demo/postgres" "$target/bench/postgres"; do
    [ ! -L "$link" ] || rm -rf "$(readlink "$link")"
done
rm -rf "$target"
