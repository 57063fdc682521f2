#!/usr/bin/env bash
# build-syncd.sh: builds the daemon, target/release/syncd.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$repository"

[ -e "$target/release/syncd" ] || say "Building the daemon syncd (2 to 4 minutes the first time)"
cargo build --quiet --release --package syncd
