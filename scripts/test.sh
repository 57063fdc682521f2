#!/usr/bin/env bash
# test.sh [ARGUMENTS FOR THE TESTS]: all tests, in the release profile that the binaries were built with.
# With --include-ignored the long ones too, the soak among them: SOAK_SECONDS (default 300) says for how long it makes trouble,
# SOAK_SEED repeats the decisions of a run that failed (it prints its own).
# The extension must be installed and syncd built (`make install`, which `make test` does first).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$repository"

pg_config=$(find_pg_config) || die "no PostgreSQL found: run \`make test\`"
major=$(pg_major "$pg_config")

say "The extension's modules that need no PostgreSQL"
PGRX_PG_CONFIG_PATH=$pg_config cargo test --quiet --release --package pg_roster \
    --no-default-features --features "pg$major" --target-dir "$(extension_build "$major")"

say "The daemon's units, and those of the protocol"
cargo test --quiet --release --package syncd --package roster-scim

say "The conformance suites of SCIM"
scripts/scim-suites.sh

say "Everything together, on real servers (building the tests takes a minute the first time)"
ROSTER_PG_CONFIG=$pg_config SYNCD=$target/release/syncd cargo test --release --package roster-tests -- "$@"
