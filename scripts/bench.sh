#!/usr/bin/env bash
# bench.sh: what synchronising, reading, single changes and policies cost, each next to a yardstick measured in the same run.
# Servers of its own below target/bench, ended afterwards; the directory is kept for the next time.
# BENCH_USERS: how many users the directory has (default 100000, three minutes; 1000000 takes a quarter of an hour).
# BENCH_ONLY=ldap: only synchronisations of the directory. BENCH_ONLY=scim, BENCH_ONLY=table: only what goes over SCIM, only table sources, for which no directory is needed.
# BENCH_ONLY=events, endpoint, feed, webhooks: only that part of what other machines do.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slapd.sh"
. "$(dirname "$0")/bench/servers.sh"
. "$(dirname "$0")/bench/measure.sh"
. "$(dirname "$0")/bench/steps.sh"
. "$(dirname "$0")/bench/incremental.sh"
. "$(dirname "$0")/bench/table.sh"
. "$(dirname "$0")/bench/scim.sh"
. "$(dirname "$0")/bench/scim_peer.sh"
. "$(dirname "$0")/bench/machines.sh"
. "$(dirname "$0")/bench/report.sh"
. "$(dirname "$0")/bench/scim_report.sh"

# shellcheck disable=SC2034 # used by the files above
{
    users=${BENCH_USERS:-100000}
    steps=$repository/scripts/bench
    bench=$target/bench
    directory=$bench/$users-users
    smaller_users=$((users / 10 > 1000 ? users / 10 : 1000))
    smaller_directory=$bench/$smaller_users-users
    times=$bench/times
    rows=$bench/rows
    psql_program=$("$(find_pg_config)" --bindir)/psql
    rounds=$((users > 300000 ? 1 : 3))
    pgbench_seconds=5
}
case $users in '' | *[!0-9]*) die "BENCH_USERS must be a number of users, not $users" ;; esac
[ "$users" -ge 1000 ] || die "BENCH_USERS must be at least 1000"
only=${BENCH_ONLY:-}
case $only in
    '' | ldap | scim | table | events | endpoint | feed | webhooks) ;;
    *) die "BENCH_ONLY must be ldap, scim, table, events, endpoint, feed, webhooks or empty, not $only" ;;
esac
[ -x "$target/release/syncd" ] || die "there is no $target/release/syncd: run \`make install\`"

mkdir -p "$bench"
exec 9>"$bench/lock"
flock -n 9 || die "another benchmark is running in $bench"
rm -rf "$times" "$rows"
mkdir -p "$times"
trap stop_servers EXIT

start_servers 9>&- # they must not hold the lock
case $only in
    '' | ldap)
        first_synchronisation
        further_synchronisations
        incremental_synchronisations
        live
        smaller
        ;;
esac
if [ -z "$only" ]; then
    reads
    single_changes
    policies
fi
case $only in '' | table) tables ;; esac
case $only in '' | scim) scim ;; esac
case $only in '' | events | endpoint | feed | webhooks) machines ;; esac
report
rm -rf "$rows"
