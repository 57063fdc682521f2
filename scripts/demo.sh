#!/usr/bin/env bash
# demo.sh [stop]: the whole way from a directory to effective attributes, on servers of its own below target/demo.
# Run again, it takes up what is there and synchronises again. `stop` ends the servers and keeps their data.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slapd.sh"
cd "$repository"

demo=$target/demo
steps=scripts/demo

stop() {
    if [ ! -d "$demo" ]; then return; fi
    stop_slapd "$demo"
    stop_postgres "$demo"
    say "The servers of the demo do not run. Their data stays in $demo"
}

build() {
    scripts/setup.sh
    scripts/install-extension.sh
    scripts/build-syncd.sh
}

start() {
    say "Starting a private PostgreSQL and a private OpenLDAP in $demo"
    start_postgres "$demo"
    start_slapd "$demo" "$steps/directory.ldif" "$repository/$steps/demo.schema"
}

psql() { "$("$(find_pg_config)" --bindir)/psql" -X -q "$@"; }

# The extension keeps its version while it is being worked on: other SQL, other database. A directory made anew has
# other ids, and a synchronisation would rightly stop there.
drop_outdated_database() {
    local sum
    sum=$(cat sql/*.sql "$steps/directory.ldif" | sha256sum)
    if [ "$sum" = "$(cat "$demo/sql.sum" 2>/dev/null)" ]; then return; fi
    psql "$(cat "$demo/pg.url")" -c 'SET client_min_messages = warning' \
        -c 'DROP DATABASE IF EXISTS demo WITH (FORCE)' -c 'CREATE DATABASE demo'
    echo "$sum" >"$demo/sql.sum"
}

prepare_database() {
    local password
    drop_outdated_database
    password=$(random_password)
    (umask 077 && demo_environment "$password" >"$demo/env")
    psql "$database" -v password="$password" -f "$steps/database.sql"
    psql "$database" -v url="$(cat "$demo/ldaps.url")" -v ca_file="$demo/slapd/tls/ca.pem" -f "$steps/source.sql" >/dev/null
}

demo_environment() { # PASSWORD
    echo "export DATABASE_URL=postgresql://syncd_demo:$1@127.0.0.1:$(cat "$demo/pg.port")/demo"
    echo "export LDAP_PASSWORD=$(cat "$demo/ldap.password")"
}

synchronise() {
    # shellcheck disable=SC1091
    (. "$demo/env" && "$target/release/syncd" sync corp-ldap)
}

# PostgreSQL asks the directory whether the password is right: whoever logs in so *is* the user of that name.
let_the_directory_log_in() {
    local data port
    data=$(postgres_home "$demo")/data
    port=$(sed 's,.*:,,' "$demo/ldap.url")
    as_postgres test -e "$data/pg_hba.base" || as_postgres cp "$data/pg_hba.conf" "$data/pg_hba.base"
    {
        echo "host demo sam,fiona 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport=$port ldapprefix=\"uid=\" ldapsuffix=\",ou=people,dc=example,dc=org\""
        as_postgres cat "$data/pg_hba.base"
    } | as_postgres tee "$data/pg_hba.conf.new" >/dev/null
    as_postgres mv "$data/pg_hba.conf.new" "$data/pg_hba.conf"
    psql "$database" -c "SELECT pg_reload_conf()" >/dev/null
    psql "$database" -f "$steps/login.sql" >/dev/null
}

# NAME: the URL to log in with as that person.
login_url() { echo "postgresql://$1:demo-$1@127.0.0.1:$(cat "$demo/pg.port")/demo"; }

show_logins() {
    say "Fiona logs in to PostgreSQL with her directory password, and sees herself and her rows"
    psql "$(login_url fiona)" -c 'SELECT roster.username() AS "who am I", name, value FROM roster.my_attributes' \
        -c 'SELECT * FROM sales'
    say "Sam, who has no territory, sees none"
    psql "$(login_url sam)" -c 'SELECT * FROM sales'
}

farewell() {
    local here=${demo#"$repository/"} program=${target#"$repository/"}/release/syncd
    cat <<TEXT
Look further:
  psql "$database"
      SELECT * FROM roster.attribute_origins;   -- where each value comes from
      SELECT * FROM roster.sync_changes;        -- what the synchronisation wrote

Log in as somebody else:
  psql "$(login_url fiona)"

Change something in the directory, see the plan, apply it:
  . $here/env
  printf 'dn: uid=sam,ou=people,dc=example,dc=org\nchangetype: modify\nreplace: mail\nmail: sam.smith@example.org\n' |
      ldapmodify -x -H $(cat "$demo/ldap.url") -D cn=admin,dc=example,dc=org -w "\$LDAP_PASSWORD"
  $program sync corp-ldap --plan
  $program sync corp-ldap

make demo-stop ends both servers.
TEXT
}

if [ "${1:-}" = stop ]; then
    stop
    exit
fi
build
start
database=$(sed 's,/postgres$,/demo,' "$demo/pg.url")
prepare_database
say "Synchronising the directory"
synchronise
say "What everybody effectively has"
psql "$database" -f "$steps/show.sql"
let_the_directory_log_in
show_logins
farewell
