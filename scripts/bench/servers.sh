# shellcheck shell=bash disable=SC2034,SC2154
# The private servers of the benchmark: PostgreSQL, sized for it, and a directory of $users users.
# To be sourced after lib.sh and slapd.sh.

# The demo's directory needs little room; this one is large. slapd reserves addresses, not disk. Nor is it the disk that is measured.
eval "$(declare -f slapd_configuration | sed '1s/slapd_configuration/small_slapd_configuration/')"
slapd_configuration() {
    small_slapd_configuration "$@"
    printf '%s\n' 'maxsize 68719476736' dbnosync
}

start_servers() {
    say "Starting private servers in $bench"
    start_postgres "$bench"
    size_postgres
    case $only in '' | ldap) start_directory ;; esac
    superuser=$(cat "$bench/pg.url")
    database=${superuser%/postgres}/bench
}

stop_servers() {
    stop_peer
    stop_machines
    stop_live
    stop_slapd "$directory"
    stop_slapd "$smaller_directory"
    stop_postgres "$bench"
}

# Nothing may work in the background while something is measured: checkpoints and vacuum happen when they are asked for.
size_postgres() {
    local sized
    sized=$(postgres_home "$bench")/sized
    [ ! -e "$sized" ] || return 0
    psql "$(cat "$bench/pg.url")" -c "ALTER SYSTEM SET shared_buffers = '$(shared_buffers)MB'" \
        -c "ALTER SYSTEM SET work_mem = '64MB'" -c "ALTER SYSTEM SET maintenance_work_mem = '256MB'" \
        -c "ALTER SYSTEM SET max_wal_size = '16GB'" -c "ALTER SYSTEM SET checkpoint_timeout = '1h'" \
        -c 'ALTER SYSTEM SET autovacuum = off'
    stop_postgres "$bench"
    start_postgres "$bench"
    touch "$sized"
}

# A quarter of the memory, 4 GB at most.
shared_buffers() { awk '/^MemTotal/ { m = $2 / 4096; print int(m > 4096 ? 4096 : m) }' /proc/meminfo; }

# Made once for each number of users, and again when the generator or the server's configuration changes.
start_directory() {
    local sum ldif=$directory/directory.ldif
    sum=$(cat "$steps/directory.pl" "$repository/scripts/slapd.sh" "$steps/servers.sh" | sha256sum)
    mkdir -p "$directory"
    if [ "$sum" != "$(cat "$directory/generator.sum" 2>/dev/null)" ] || [ ! -e "$directory/slapd/filled" ]; then
        stop_slapd "$directory"
        rm -rf "$directory/slapd"
        say "Making a directory of $users users, once (a minute for every 500000 users)"
        perl "$steps/directory.pl" "$users" >"$ldif"
    fi
    start_slapd "$directory" "$ldif"
    rm -f "$ldif"
    echo "$sum" >"$directory/generator.sum"
}

psql() { "$("$(find_pg_config)" --bindir)/psql" -X -q "$@"; }

fresh_database() {
    local password
    password=$(random_password)
    psql "$superuser" -v name="${database##*/}" -v password="$password" -f "$steps/database.sql"
    psql "$database" -v url="$(cat "$directory/ldap.url")" -f "$steps/source.sql" >/dev/null
    DATABASE_URL=postgresql://syncd_bench:$password@127.0.0.1:$(cat "$bench/pg.port")/${database##*/}
    LDAP_PASSWORD=$(cat "$directory/ldap.password")
    export DATABASE_URL LDAP_PASSWORD
}
