# shellcheck shell=bash disable=SC2034,SC2154
# What other machines do: push events, answer questions about users, follow the feed, take webhooks.
# To be sourced after steps.sh and scim.sh.

machine_changes=50000
machine_hooks=5000
machine_latency_seconds=30

machines() {
    # The steps that are shared with other benchmarks look here.
    local database=${superuser%/postgres}/bench_machines pgbench_seconds=$scim_seconds
    machine_users=$((users > 20000 ? 20000 : users))
    say "Machines: a database with $machine_users users"
    start_machines
    case $only in '' | events) measure_events && measure_latency ;; esac
    case $only in '' | endpoint) measure_endpoint ;; esac
    case $only in '' | feed) measure_feed ;; esac
    case $only in '' | webhooks) measure_webhooks ;; esac
    stop_machines
}

# A daemon on a fresh database, a server that answers it, and the keys.
start_machines() {
    local password
    password=$(random_password)
    psql "$superuser" -v password="$password" -v name=bench_machines -f "$steps/database.sql"
    start_answering
    ask -v users="$machine_users" -v answers="http://127.0.0.1:$(cat "$bench/answers.port")" -f "$steps/machines.sql" >"$times/keys"
    PUSH_KEY=$(sed -n 's/^push|//p' "$times/keys")
    FEED_KEY=$(sed -n 's/^changes|//p' "$times/keys")
    rm "$times/keys"
    export PUSH_KEY FEED_KEY
    DATABASE_URL=postgresql://syncd_bench:$password@127.0.0.1:$(cat "$bench/pg.port")/bench_machines
    export DATABASE_URL
    scim_database=$DATABASE_URL
    start_daemon
}

start_answering() {
    rm -f "$bench/answers.port"
    perl "$steps/answers.pl" "$bench/answers.port" >"$times/answers.log" 2>&1 9>&- &
    answers_pid=$!
    wait_for "$answers_pid" "$times/answers.log" test -s "$bench/answers.port"
}

stop_machines() {
    stop_scim
    end_process "${answers_pid:-}" && answers_pid=
}

# As many as 16 clients can send, next to the SQL call that does the same.
measure_events() {
    local round
    for round in $(seq "$scim_rounds"); do
        say "Machines: events, round $round of $scim_rounds"
        machine_pgbench event_call
        perl "$steps/events.pl" "$scim_url" "$machine_users" 16 0 "$scim_seconds" "$round" | note events
    done
}

# A hundred a second, while a watched table changes ten times a second.
measure_latency() {
    local writer
    say "Machines: 100 events a second for $machine_latency_seconds s, next to a watched table"
    watched_changes $((machine_latency_seconds + 2)) &
    writer=$!
    perl "$steps/events.pl" "$scim_url" "$machine_users" 16 100 "$machine_latency_seconds" latency | note latency
    wait "$writer"
    ask -c 'TABLE watched.seen' >"$times/watched"
}

# Each change is waited for by the session that made it.
watched_changes() { # SECONDS
    ask -v seconds="$1" -f "$steps/watched.sql" >"$times/watched.log"
}

machine_pgbench() { # NAME
    local pgbench
    pgbench=$("$(find_pg_config)" --bindir)/pgbench
    "$pgbench" -n -M prepared -c 16 -j 2 -T "$scim_seconds" -D users="$machine_users" -f "$steps/$1.pgbench" "$database" 2>"$times/$1.log" |
        sed -n 's/^tps = \([0-9.]*\).*/\1/p' | note "$1"
}

# Eight questions at once, next to what wrk gets from the same server with eight connections.
measure_endpoint() {
    local round
    for round in $(seq "$scim_rounds"); do
        say "Machines: an endpoint, round $round of $scim_rounds"
        wrk -c 8 -t 2 -d "$scim_seconds" "http://127.0.0.1:$(cat "$bench/answers.port")/facts?userid=u0000001" |
            sed -n 's/^Requests\/sec: *//p' | note endpoint_wrk
        ask -c "DELETE FROM roster_private.user_link" -c CHECKPOINT
        measure endpoint_first "$target/release/syncd" sync crm
        measure endpoint_again "$target/release/syncd" sync crm
    done
}

# Pages of a thousand over HTTP, next to the same pages by SQL.
measure_feed() {
    local round
    ask -v changes="$machine_changes" -f "$steps/feed_fill.sql"
    for round in $(seq "$scim_rounds"); do
        say "Machines: the feed, round $round of $scim_rounds"
        measure feed_sql "$psql_program" -X -q "$database" -f "$steps/feed_read.sql"
        perl "$steps/feed.pl" "$scim_url" | note feed
    done
}

measure_webhooks() {
    say "Machines: $machine_hooks webhook deliveries"
    ask -v changes="$machine_hooks" -v url="http://127.0.0.1:$(cat "$bench/answers.port")/hook" -f "$steps/webhooks.sql" | note webhooks
}

report_machines() {
    if [ -s "$times/events" ]; then
        row_of_requests 'push: events, 16 clients' events "$(per_second "$(median event_call)") the same by SQL" \
            "$(ratio "$(median events)" "$(median event_call)")" -
        row 'push: event -> effective at 100/s, median' "$(seconds "$(median latency 2)")" - - -
        row '  99th percentile' "$(seconds "$(median latency 3)")" - - '< 1 s'
        row '  meanwhile: watched table -> effective, median' "$(seconds "$(cut -d'|' -f1 "$times/watched")")" - - -
        row '  99th percentile' "$(seconds "$(cut -d'|' -f2 "$times/watched")")" - - -
    fi
    if [ -s "$times/endpoint_first" ]; then
        row_of_users 'endpoint: first sync, 8 at once' endpoint_first
        row_of_users '  unchanged' endpoint_again
    fi
    if [ -s "$times/feed" ]; then
        row 'feed: changes read over HTTP' "$(per_second "$(median feed)")" \
            "$(per_second "$(calculate "$(median feed 2) / $(median feed_sql)")") by SQL" \
            "$(ratio "$(median feed)" "$(calculate "$(median feed 2) / $(median feed_sql)")")" -
    fi
    [ ! -s "$times/webhooks" ] || row 'webhooks: deliveries' "$(per_second "$(median webhooks)")" - - -
}

row_of_users() { # WHAT NAME
    local rate
    rate=$(calculate "$machine_users / $(median "$2")")
    row "$1" "$(awk -v n="$rate" 'BEGIN { printf "%.0f users/s", n }')" "$(per_second "$(median endpoint_wrk)") by wrk" \
        "$(ratio "$rate" "$(median endpoint_wrk)")" -
}
