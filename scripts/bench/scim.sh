# shellcheck shell=bash disable=SC2034,SC2154
# SCIM: requests over HTTP to a daemon, next to the same rows written by pgbench and to another SCIM server.
# To be sourced after steps.sh; the other server is in scim_peer.sh.

scim_seconds=3
scim_rounds=3
scim_extra=1000 # users who are in no group yet

scim() {
    # The steps that are shared with other benchmarks look here.
    local database=${superuser%/postgres}/bench_scim pgbench_seconds=$scim_seconds
    say "SCIM: a database with $users users"
    start_scim
    fill_scim
    measure_creating
    measure_finding
    measure_members
    measure_crowd
    measure_whole_group
    stop_scim
    measure_peer
}

# A daemon on a fresh database, and what a client needs: scim_url, SCIM_KEY.
start_scim() {
    local password
    password=$(random_password)
    psql "$superuser" -v password="$password" -v name=bench_scim -f "$steps/database.sql"
    SCIM_KEY=$(ask -f "$steps/scim_source.sql")
    scim_database=postgresql://syncd_bench:$password@127.0.0.1:$(cat "$bench/pg.port")/bench_scim
    export SCIM_KEY
    start_daemon
}

start_daemon() {
    rm -f "$bench/scim.port"
    DATABASE_URL=$scim_database "$target/release/syncd" run --listen 127.0.0.1:0 --port-file "$bench/scim.port" \
        >"$times/syncd.log" 2>&1 9>&- &
    scim_pid=$!
    wait_for "$scim_pid" "$times/syncd.log" test -s "$bench/scim.port"
    scim_url=http://127.0.0.1:$(cat "$bench/scim.port")
}

# wait_for PID LOG COMMAND...: until the command succeeds.
wait_for() {
    local pid=$1 log=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ -e "/proc/$pid" ] || die "a server has ended, see $log"
        sleep 0.05
    done
}

stop_scim() { end_process "${scim_pid:-}" && scim_pid=; }

end_process() { # PID
    [ -n "$1" ] || return 0
    ! kill "$1" 2>/dev/null || wait "$1" || true
}

# request METHOD PATH [CURL ARGUMENTS]: the answer; one that is not a success ends the benchmark.
request() {
    local method=$1 path=$2
    shift 2
    curl --silent --show-error --fail -X "$method" -H "Authorization: Bearer $SCIM_KEY" \
        -H 'Content-Type: application/scim+json' "$@" "$scim_url$path" || die "$method $path failed, see $times/syncd.log"
}

# load NAME CLIENTS WAY PATH [ARGUMENTS]: notes requests a second, median seconds and how many, as scim.lua tells them.
load() {
    local name=$1 clients=$2 way=$3 path=$4 measured
    shift 4
    wrk -t $((clients > 1 ? 2 : 1)) -c "$clients" -d "${scim_seconds}s" --timeout 30s -s "$steps/scim.lua" "$scim_url" \
        -- "$way" "$path" "$@" >"$times/$name.log" || die "wrk failed, see $times/$name.log"
    measured=$(sed -n 's/^measured //p' "$times/$name.log")
    [ "${measured##* }" = 0 ] || die "requests failed, see $times/$name.log and $times/syncd.log"
    echo "${measured% *}" | note "$name"
}

# The first user comes over HTTP; the others in its likeness are written by the function that the daemon calls.
fill_scim() {
    request POST /scim/corp/v2/Users --data-binary "@$steps/scim_user.json" >/dev/null
    ask -f "$steps/scim_template.sql"
    make_users
    everyone=$(new_group everyone "$users")
    small=$(new_group small 100)
    crowd=$(new_group crowd 0)
    ask -c "SELECT u.scim_id FROM roster_private.scim_user u ORDER BY u.rid DESC LIMIT $scim_extra" >"$times/extra.ids"
    ask -c "SELECT u.scim_id FROM roster_private.scim_user u ORDER BY u.rid LIMIT 20000" >"$times/crowd.ids"
    psql "$database" -f "$steps/scim_plain.sql"
}

# A first thousand, because plans that are made for empty tables are kept; then as many writers as there are cores.
make_users() {
    local worker workers job jobs=() last=$((users + scim_extra - 1))
    workers=$(nproc)
    ask -v first=1 -v last=1000 -f "$steps/scim_fill.sql"
    ask -c 'VACUUM ANALYZE'
    for worker in $(seq "$workers"); do
        ask -v first=$((1001 + (last - 1000) * (worker - 1) / workers)) -v last=$((1000 + (last - 1000) * worker / workers)) \
            -f "$steps/scim_fill.sql" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job" || die "the users could not be made"; done
}

new_group() { # NAME MEMBERS
    request POST /scim/corp/v2/Groups -d "{\"displayName\":\"$1\"}" >/dev/null
    ask -v group_name="$1" -v members="$2" -f "$steps/scim_members.sql"
}

measure_creating() {
    local round before created
    before=$(users_there)
    for round in $(seq "$scim_rounds"); do
        say "SCIM: creating users, round $round of $scim_rounds"
        transactions scim_plain 16
        load scim_create 16 create /scim/corp/v2/Users "$steps/scim_user.json" $((400000000 + round * 50000000))
    done
    # What was under way at the end may be there or not.
    created=$(($(users_there) - before - $(awk '{ n += $3 } END { print n }' "$times/scim_create")))
    if [ "$created" -lt 0 ] || [ "$created" -gt $((16 * scim_rounds)) ]; then
        die "there are $created users more than were created"
    fi
    ask -c VACUUM -c CHECKPOINT
}

users_there() { ask -c 'SELECT count(*) FROM roster_private.scim_user'; }

measure_finding() {
    local round path=/scim/corp/v2/Users
    say "SCIM: looking up users"
    request GET "$path?filter=userName%20eq%20%22U000000007@example.org%22" | grep -q '"totalResults":1[,}]' ||
        die "a user is not found by userName"
    for round in $(seq "$scim_rounds"); do
        load scim_find 16 find "$path" $((users - 1))
    done
}

measure_members() {
    local round
    for round in $(seq "$scim_rounds"); do
        say "SCIM: members come and go, round $round of $scim_rounds"
        load scim_small 1 turns "/scim/corp/v2/Groups/$small" "$times/extra.ids"
        load scim_everyone 1 turns "/scim/corp/v2/Groups/$everyone" "$times/extra.ids"
    done
}

measure_crowd() {
    say "SCIM: many clients, one group"
    load scim_crowd 16 crowd "/scim/corp/v2/Groups/$crowd" "$times/crowd.ids"
}

# By a daemon that has done nothing yet but read a small group: what its memory becomes is due to the large one.
measure_whole_group() {
    local round
    stop_scim
    start_daemon
    say "SCIM: reading the group of everybody"
    request GET "/scim/corp/v2/Groups/$small" >/dev/null
    memory_peak | note scim_memory_before
    for round in $(seq "$scim_rounds"); do
        measure scim_members_plain "$psql_program" -X -q "$database" -v id="$everyone" -f "$steps/scim_plain_members.sql"
        request GET "/scim/corp/v2/Groups/$everyone" -o "$times/everyone.json" -w '%{time_total}\n' | note scim_whole
    done
    [ "$(grep -o '"type":"User"' "$times/everyone.json" | wc -l)" -ge "$users" ] || die "the group of everybody lacks members"
    rm -f "$times/everyone.json"
    memory_peak | note scim_memory_after
}

memory_peak() { awk '/^VmHWM/ { print $2 }' "/proc/$scim_pid/status"; }
