#!/usr/bin/env bash
# deny.sh: cargo-deny over licences, banned crates and sources. Builds cargo-deny below target/tools if it is missing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$repository"

tools=$target/tools
PATH=$tools/bin:$PATH
if ! command -v cargo-deny >/dev/null; then
    say "Building cargo-deny (2 to 5 minutes, once)"
    cargo install --quiet --locked --root "$tools" cargo-deny@0.20.2
fi
cargo deny --workspace check licenses bans sources
