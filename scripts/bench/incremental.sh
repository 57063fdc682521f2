# shellcheck shell=bash disable=SC2034,SC2154
# Synchronisations that read only what changed, by schedule and live. To be sourced after steps.sh and scim.sh.

live_changes=50

# `syncd sync` begins where the last one ended. The yardstick is a full read of the same.
incremental_synchronisations() {
    local round one_percent=$((users / 100))
    synchronise settle
    ask -c VACUUM -c CHECKPOINT
    for round in 1 2 3; do
        say "Synchronisations that read what changed, round $round of 3"
        noting_rows incremental_unchanged_rows synchronise incremental_unchanged
        change_users 100 "incremental $round"
        noting_rows incremental_100_rows synchronise incremental_100
        member_of_everyone delete
        noting_rows incremental_member_rows synchronise incremental_member
        member_of_everyone add
        noting_rows incremental_member_rows synchronise incremental_member
        change_users "$one_percent" "incremental $round"
        synchronise incremental_percent
        expect_incremental
        change_users "$one_percent" "full $round"
        synchronise full_percent --full
    done
}

# Whether the last run read less than everything: a benchmark of the wrong thing is none.
expect_incremental() {
    local read
    read=$(ask -c "SELECT r.read FROM roster.sync_runs r ORDER BY r.run_id DESC LIMIT 1")
    [ "$read" -lt "$users" ] || die "the last run read $read entries of $users users: it was not incremental, see roster.sync_runs of $database"
}

# The group's entry is as large as they come, and one edge of it changes.
member_of_everyone() { # add | delete
    printf '%s\n' 'dn: cn=everyone,ou=groups,dc=example,dc=org' 'changetype: modify' "$1: member" \
        'member: uid=u0000007,ou=people,dc=example,dc=org' | modify_directory
}

# A daemon follows the directory: one change after the other, then a hundred at once.
live() {
    local daemon
    say "Live: $live_changes changes, one after the other"
    rm -f "$bench/live.port"
    "$target/release/syncd" run --listen 127.0.0.1:0 --port-file "$bench/live.port" >"$times/live.log" 2>&1 9>&- &
    live_pid=$!
    wait_for "$live_pid" "$times/live.log" test -s "$bench/live.port"
    psql "$database" -f "$steps/live.sql"
    measure_live one "$live_changes" 1
    measure_live hundred 5 100
    awk '/^VmHWM/ { print 0, 0, $2 }' "/proc/$live_pid/status" | note live_memory
    stop_live
}

# Seconds from sending a change to its being effective, one a line.
measure_live() { # NAME TIMES CHANGES_EACH
    LDAP_URL=$(cat "$directory/ldap.url") PASSWORD_FILE=$directory/ldap.password PSQL=$psql_program DATABASE=$database \
        perl "$steps/live.pl" "$users" "$2" "$3" >"$times/live_$1" 2>"$times/live.pl.log" || {
        cat "$times/live.pl.log" >&2
        die "a change was not effective in time, see $times/live.log"
    }
}

stop_live() { end_process "${live_pid:-}" && live_pid=; }

# The same hundred changes in a directory of a tenth of the size: what an incremental run costs does not depend on it.
smaller() {
    local round users=$smaller_users directory=$smaller_directory database=${superuser%/postgres}/bench_smaller
    local DATABASE_URL LDAP_PASSWORD
    start_directory 9>&-
    say "The same in a directory of $users users"
    fresh_database
    synchronise smaller_first
    ask -c VACUUM -c CHECKPOINT
    for round in 1 2 3; do
        synchronise smaller_unchanged
        change_users 100 "incremental $round"
        synchronise smaller_100
    done
    stop_slapd "$directory"
}

report_incremental() {
    row_of_times 'unchanged sync, incremental' "$(median incremental_unchanged)" "$(median unchanged)" 'everything read' '<= 100 ms'
    row '  rows written' "$(highest incremental_unchanged_rows 1)" - - 0
    row '  WAL' "$(bytes "$(highest incremental_unchanged_rows 2)")" - - '< 1 MiB'
    row_of_times "  with $smaller_users users" "$(median smaller_unchanged)" "$(median incremental_unchanged)" "with $users" 'independent of size'
    row_of_times '100 users changed, incremental' "$(median incremental_100)" "$(median changed)" 'everything read' '< 1 s'
    row '  rows written' "$(highest incremental_100_rows 1)" - - -
    row_of_times "  with $smaller_users users" "$(median smaller_100)" "$(median incremental_100)" "with $users" 'independent of size'
    row_of_times 'one member more or less in the group of everybody' "$(median incremental_member)" "$(median changed)" 'everything read' -
    row '  rows written' "$(highest incremental_member_rows 1)" - - 'whatever the size'
    row_of_times "1 % of users changed ($((users / 100))), incremental" "$(median incremental_percent)" "$(median full_percent)" 'everything read' '<= 1x'
    row 'live: one change -> effective, median' "$(seconds "$(percentile live_one 50)")" "$live_changes changes" - '< 1 s'
    row '  99th percentile' "$(seconds "$(percentile live_one 99)")" - - '< 1 s'
    row 'live: 100 changes at once -> all effective' "$(seconds "$(percentile live_hundred 50)")" - - '< 1 s'
}

percentile() { # NAME PERCENT
    sort -g "$times/$1" | awk -v percent="$2" '{ v[NR] = $1 } END { at = NR * percent / 100; at = at > int(at) ? int(at) + 1 : at; print v[at < 1 ? 1 : at] }'
}
