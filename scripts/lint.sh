#!/usr/bin/env bash
# lint.sh: formatting, clippy, shell scripts and licences. Changes nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$repository"

scripts/setup.sh

say "Formatting"
cargo fmt --all --check

say "clippy (a few minutes the first time)"
# The release profile, so that dependencies are not analysed and built once more for another profile.
pg_config=$(find_pg_config)
PGRX_PG_CONFIG_PATH=$pg_config cargo clippy --quiet --workspace --all-targets --release \
    --no-default-features --features "pg_roster/pg$(pg_major "$pg_config")" -- -D warnings

say "Shell scripts"
for script in scripts/*.sh .ci/run; do bash -n "$script"; done
if command -v shellcheck >/dev/null; then
    shellcheck -x -P SCRIPTDIR scripts/*.sh .ci/run
else
    say "shellcheck is not installed: only the syntax was checked (apt-get install shellcheck)"
fi

say "Licences"
scripts/licences.sh
