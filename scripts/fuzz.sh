#!/usr/bin/env bash
# fuzz.sh [TARGET...]: runs each fuzz target (filter, path, body) for FUZZ_SECONDS (default 60). Builds cargo-fuzz below
# target/tools if it is missing, and needs Rust nightly. What was found to be interesting stays below target/fuzz.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$repository"

tools=$target/tools
seconds=${FUZZ_SECONDS:-60}
PATH=$tools/bin:$PATH

if ! rustup run nightly rustc --version >/dev/null 2>&1; then
    say "Installing Rust nightly"
    rustup toolchain install nightly --profile minimal
fi
if ! command -v cargo-fuzz >/dev/null; then
    say "Building cargo-fuzz (2 minutes, once)"
    cargo install --quiet --locked --root "$tools" cargo-fuzz@0.13.2
fi

[ $# -gt 0 ] || set -- filter path body
for name; do
    say "Fuzzing $name for $seconds s"
    corpus=$target/fuzz/corpus/$name
    findings=$target/fuzz/findings/$name
    mkdir -p "$corpus" "$findings"
    cargo +nightly fuzz run --target-dir "$target/fuzz/build" "$name" "$corpus" "fuzz/seeds/$name" -- \
        -max_total_time="$seconds" -max_len=4096 -artifact_prefix="$findings/" -print_final_stats=0
done
