#!/usr/bin/env bash
# bench.sh: measures synchronisations and reads on a generated directory, each next to a yardstick of the same run.
# BENCH_USERS sets the size (default 100000). Servers and data are below target/bench; it needs 1 GB for 100,000 users.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slapd.sh"
cd "$repository"

users=${BENCH_USERS:-100000}
groups=$((users / 20))
[ "$users" -ge 1000 ] || die "BENCH_USERS must be 1000 or more"
bench=$target/bench/$users
steps=$repository/scripts/bench
readonly rounds=3
bin=$("$(find_pg_config)" --bindir)

psql() { "$bin/psql" -X -q "$@"; }

# The durable settings of a small server; the default of 128 MB would measure the disk.
export POSTGRES_SETTINGS="shared_buffers = 1GB
max_wal_size = 8GB
maintenance_work_mem = 256MB"

# seconds COMMAND...: how long it took. Its own output is dropped, its errors are shown.
seconds() {
    local begin=$EPOCHREALTIME
    "$@" >/dev/null
    difference "$begin" "$EPOCHREALTIME"
}

difference() { perl -e 'printf "%.3f", $ARGV[1] - $ARGV[0]' "$1" "$2"; }

# best COMMAND...: the shortest of some rounds.
best() {
    local _round
    for _round in $(seq $rounds); do
        seconds "$@"
        echo
    done | sort -n | head -1
}

# row WHAT OURS YARDSTICK UNIT GOAL: a line of the table; the ratio is ours to yardstick.
row() {
    perl -e '
        my ($what, $ours, $yardstick, $unit, $goal) = @ARGV;
        my $ratio = $yardstick > 0 ? sprintf("%.2f", $ours / $yardstick) : "";
        printf "%-48s %10s %12s %-5s %7s  %s\n", $what, $ours, $yardstick, $unit, $ratio, $goal' "$@" >>"$bench/table"
}

prepare() {
    mkdir -p "$bench"
    if [ ! -e "$bench/directory.ldif" ]; then
        say "Generating a directory of $users users and $groups groups"
        perl "$steps/generate.pl" "$users" "$groups" >"$bench/directory.new"
        mv "$bench/directory.new" "$bench/directory.ldif"
    fi
    say "Starting a private OpenLDAP and a private PostgreSQL in $bench (the first start loads the directory)"
    start_slapd "$bench" "$bench/directory.ldif"
    start_postgres "$bench"
    psql "$(cat "$bench/pg.url")" -c 'SET client_min_messages = warning' \
        -c 'DROP DATABASE IF EXISTS bench WITH (FORCE)' -c 'CREATE DATABASE bench'
    database=$(sed 's,/postgres$,/bench,' "$bench/pg.url")
    export DATABASE_URL=$database
    LDAP_PASSWORD=$(cat "$bench/ldap.password")
    export LDAP_PASSWORD
    psql "$database" -v url="$(cat "$bench/ldap.url")" -f "$steps/source.sql" >/dev/null
}

stop() {
    stop_slapd "$bench"
    stop_postgres "$bench"
}

# Reads what a synchronisation reads, and throws it away.
search_everything() {
    search_base ou=people '(objectClass=inetOrgPerson)' uid cn mail departmentNumber title entryUUID
    search_base ou=groups '(objectClass=groupOfNames)' cn description member entryUUID
}

search_base() { # BASE FILTER ATTRIBUTE...
    local base=$1
    shift
    ldapsearch -LLL -x -H "$(cat "$bench/ldap.url")" -D "$ldap_admin" -w "$LDAP_PASSWORD" \
        -E pr=1000/noprompt -b "$base,$ldap_suffix" "$@"
}

synchronise() { "$target/release/syncd" sync corp-ldap 2>"$bench/syncd.log"; }

# Leaves the highest resident size of the daemon, in MiB, in $bench/peak.
synchronise_watched() {
    local pid peak
    "$target/release/syncd" sync corp-ldap 2>"$bench/syncd.log" &
    pid=$!
    while peak=$(sed -nE 's/^VmHWM:\s+([0-9]+) kB/\1/p' "/proc/$pid/status" 2>/dev/null) && [ -n "$peak" ]; do
        echo $((peak / 1024)) >"$bench/peak"
        sleep 0.05
    done
    wait "$pid" || die "the synchronisation failed: $(cat "$bench/syncd.log")"
}

wal_position() { psql "$database" -Atc "SELECT pg_current_wal_insert_lsn() - '0/0'"; }

largest_entry_mib() {
    perl -e '$/ = ""; my $most = 0; while (<>) { $most = length if length > $most } print int($most / 1048576 + 1)' \
        "$bench/directory.ldif"
}

# A load of COPY and INSERT .. SELECT of the very rows that the first synchronisation wrote.
yardstick() { (cd "$bench" && psql "$database" -f "$steps/yardstick.sql"); }

milliseconds_of() { # PGBENCH FILE
    "$bin/pgbench" -n -M prepared -t 3000 -D users="$users" -f "$1" "$database" 2>/dev/null |
        sed -nE 's/^latency average = ([0-9.]+) ms/\1/p'
}

measure_synchronisation() {
    local search first unchanged before load
    say "Reading everything with ldapsearch, $rounds times"
    search=$(best search_everything)
    say "First synchronisation"
    first=$(seconds synchronise_watched)
    psql "$database" -c 'VACUUM ANALYZE'
    before=$(wal_position)
    say "Unchanged synchronisation, $rounds times"
    unchanged=$(best synchronise)
    wal=$((($(wal_position) - before) / rounds / 1024))
    say "The rows of the first synchronisation by COPY and INSERT .. SELECT"
    (cd "$bench" && psql "$database" -f "$steps/unload.sql")
    load=$(seconds yardstick)
    row "first sync / ldapsearch" "$first" "$search" s "<= 8 (stretch 4)"
    row "first sync / COPY and INSERT .. SELECT" "$first" "$load" s "<= 1.3"
    row "unchanged sync / ldapsearch" "$unchanged" "$search" s "<= 2"
    row "WAL of an unchanged sync" "$wal" 1024 KiB "<= 1"
    row "peak memory of the daemon" "$(cat "$bench/peak")" $((128 + 6 * $(largest_entry_mib))) MiB "<= 1"
}

measure_reads() {
    local whole rows
    say "Reading one user, and the whole view"
    row "one user / own attributes alone" \
        "$(milliseconds_of "$steps/one_user.pgbench")" "$(milliseconds_of "$steps/own_attributes.pgbench")" ms "<= 3, <= 0.5 ms"
    whole=$(best psql "$database" -f "$steps/whole_view.sql")
    rows=$(psql "$database" -At -f "$steps/whole_view.sql")
    row "whole view, one name: million rows a second" \
        "$(perl -e 'printf "%.2f", $ARGV[0] / $ARGV[1] / 1e6' "$rows" "$whole")" 1 M/s ">= 1"
}

trap stop EXIT
prepare
: >"$bench/table"
measure_synchronisation
measure_reads
say "$users users, $groups groups, $(psql "$database" -At -f "$steps/memberships.sql") memberships, $(nproc) cores"
printf '%-48s %10s %12s %-5s %7s  %s\n' what ours yardstick unit ratio goal
cat "$bench/table"
