#!/usr/bin/env bash
# Shared by the other scripts: messages, free ports, and the private PostgreSQL servers they run.
# To be sourced, after `set -euo pipefail`. The private OpenLDAP servers are in slapd.sh.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # used by the scripts that source this one
target=${CARGO_TARGET_DIR:-$repository/target}

say() { printf '==> %s\n' "$*"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# free_port: a TCP port on 127.0.0.1 that the kernel says nobody uses.
free_port() {
    perl -MIO::Socket::INET -e \
        'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# random_password: 32 hexadecimal digits.
random_password() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# find_pg_config: the pg_config to build and test with. PG_CONFIG wins, then the PATH, then Debian's newest.
find_pg_config() {
    local candidate
    if [ -n "${PG_CONFIG:-}" ]; then
        command -v "$PG_CONFIG"
        return
    fi
    for candidate in "$(command -v pg_config || true)" \
        /usr/lib/postgresql/18/bin/pg_config /usr/lib/postgresql/17/bin/pg_config \
        /usr/lib/postgresql/16/bin/pg_config /usr/lib/postgresql/15/bin/pg_config; do
        if is_whole_postgres "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# Client packages bring a pg_config too: a whole PostgreSQL has a server and its headers, of a version we support.
is_whole_postgres() { # PG_CONFIG
    [ -x "$1" ] || return 1
    case $(pg_major "$1") in 15 | 16 | 17 | 18) ;; *) return 1 ;; esac
    [ -x "$("$1" --bindir)/postgres" ] && [ -e "$("$1" --includedir-server)/postgres.h" ]
}

# pg_major PG_CONFIG: 15 for "PostgreSQL 15.20 (Debian ...)".
pg_major() { "$1" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'; }

# extension_build MAJOR: the cargo target folder of the extension. One per PostgreSQL version beside the usual one:
# they would undo each other's work.
extension_build() {
    if [ "$1" = 15 ]; then echo "$target"; else echo "$target/pg$1"; fi
}

# as_postgres COMMAND...: PostgreSQL refuses to run as root, so root runs it as the user postgres.
# The user may not be allowed into the folder root stands in.
as_postgres() {
    if is_root; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

# server_folder DIR: makes DIR a private folder for the user that runs PostgreSQL. Where that user cannot
# get to it (a clone below a closed home folder), the folder is made below /tmp and DIR is a link to it.
server_folder() {
    local folder=$1
    [ -e "$folder" ] && return
    rm -f "$folder" # a link whose aim was cleaned away
    mkdir -p "$(dirname "$folder")"
    if as_postgres test -x "$(dirname "$folder")"; then
        mkdir "$folder"
    else
        ln -s "$(mktemp -d /tmp/pg_roster.XXXXXXXX)" "$folder"
        say "The user postgres cannot enter $(dirname "$folder"): its data is in $(readlink "$folder")"
    fi
    chmod 700 "$folder/."
    ! is_root || chown postgres: "$folder/."
}

# The folder itself: the way through a link may be closed to the user postgres.
postgres_home() { readlink -f "$1/postgres"; } # DIR

postgres_runs() { # DIR
    local data
    data=$(postgres_home "$1")/data
    [ -e "$data/postmaster.pid" ] && as_postgres "$pg_bin/pg_ctl" -D "$data" status >/dev/null 2>&1
}

# start_postgres DIR: a private PostgreSQL below DIR, made if it is not there, started if it does not run.
# Leaves DIR/pg.port and DIR/pg.url (superuser postgres; the file is readable by its owner only).
start_postgres() {
    local dir=$1 pg_bin home port
    pg_bin=$("$(find_pg_config)" --bindir)
    mkdir -p "$dir"
    server_folder "$dir/postgres"
    home=$(postgres_home "$dir")
    [ -e "$home/data/PG_VERSION" ] || make_cluster "$home"
    if postgres_runs "$dir"; then return; fi
    port=$(free_port)
    as_postgres "$pg_bin/pg_ctl" -D "$home/data" -l "$home/log" -s -w -t 60 -o "-p $port" start ||
        die "PostgreSQL did not start, see $home/log"
    write_url "$dir" "$home" "$port"
}

make_cluster() { # HOME
    random_password | as_postgres tee "$1/password" >/dev/null
    as_postgres "$pg_bin/initdb" -D "$1/data" -E UTF8 --locale=C.UTF-8 -U postgres \
        --auth=scram-sha-256 --pwfile="$1/password" >/dev/null
    as_postgres tee -a "$1/data/postgresql.conf" >/dev/null <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 50
CONF
}

write_url() { # DIR HOME PORT
    echo "$3" >"$1/pg.port"
    (umask 077 && echo "postgresql://postgres:$(cat "$2/password")@127.0.0.1:$3/postgres" >"$1/pg.url")
}

# stop_postgres DIR: ends that server; nothing to do when it does not run.
stop_postgres() {
    local dir=$1 pg_bin
    pg_bin=$("$(find_pg_config)" --bindir) || return 0
    if postgres_runs "$dir"; then
        as_postgres "$pg_bin/pg_ctl" -D "$(postgres_home "$dir")/data" -s -m fast stop
    fi
}
