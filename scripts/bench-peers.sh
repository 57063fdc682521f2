#!/usr/bin/env bash
# bench-peers.sh: the directory of bench.sh, synchronised by pg_roster and by the programs that others use for it: pg_ldap_sync of
# Debian and ldap2pg of PyPI, each into a PostgreSQL of its own that is thrown away afterwards. First, unchanged, 1 % changed.
# They are no yardstick: they write PostgreSQL roles and memberships of roles, pg_roster writes rows.
# BENCH_USERS: how many users the directory has (default 10000: ldap2pg takes minutes for more).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/packages.sh"
. "$(dirname "$0")/slapd.sh"
. "$(dirname "$0")/bench/servers.sh"
. "$(dirname "$0")/bench/measure.sh"
. "$(dirname "$0")/bench/peers/programs.sh"
. "$(dirname "$0")/bench/peers/report.sh"

# shellcheck disable=SC2034 # used by the files above
{
    users=${BENCH_USERS:-10000}
    steps=$repository/scripts/bench
    bench=$target/bench
    directory=$bench/$users-users
    peers=$bench/peers
    times=$bench/peer-times
    programs=(pg_roster pg_ldap_sync ldap2pg)
}
case $users in '' | *[!0-9]*) die "BENCH_USERS must be a number of users, not $users" ;; esac
[ "$users" -ge 1000 ] || die "BENCH_USERS must be at least 1000"
[ -x "$target/release/syncd" ] || die "there is no $target/release/syncd: run \`make install\`"

# Half of one percent of the users arrive or leave, as many join or leave a group.
change() { # forth | back
    perl "$steps/peers/changes.pl" "$1" "$users" |
        ldapmodify -x -H "$(cat "$directory/ldap.url")" -D cn=admin,dc=example,dc=org -y "$directory/ldap.password" >/dev/null
}

measure_program() { # PROGRAM
    say "$1: first"
    "$1" first
    say "$1: unchanged"
    "$1" unchanged
    "$1" unchanged
    "$1" unchanged
    say "$1: 1 % changed, and back"
    change forth
    "$1" changed
    change back
    "$1" changed
    "counts_of_$1" >"$times/$1.counts"
}

mkdir -p "$bench"
exec 9>"$bench/lock"
flock -n 9 || die "another benchmark is running in $bench"
rm -rf "$times"
mkdir -p "$times"
trap drop_all EXIT

install_peers
drop_all # what was left when the last one was killed
start_directory 9>&-
change back 2>/dev/null || true # likewise
for program in "${programs[@]}"; do
    start_program "$program" 9>&-
    measure_program "$program"
    drop_program "$program"
done
report_peers
