# shellcheck shell=bash disable=SC2034,SC2154
# How each program is installed and run. To be sourced after servers.sh and measure.sh.
# Each has a PostgreSQL of its own: what one writes into the catalogs must not slow the others down.

# ldap2pg comes with python-ldap, which is compiled.
install_peers() {
    install_missing ruby-pg-ldap-sync python3-venv python3-dev libldap-dev libsasl2-dev gcc
    cmp -s "$steps/peers/ldap2pg.txt" "$peers/ldap2pg.installed" && return
    say "Installing ldap2pg from PyPI below $peers (half a minute; details in $times/ldap2pg.log)"
    rm -rf "$peers/venv"
    mkdir -p "$peers"
    {
        python3 -m venv "$peers/venv" &&
            "$peers/venv/bin/pip" install --disable-pip-version-check --no-input --quiet --requirement "$steps/peers/ldap2pg.txt"
    } >"$times/ldap2pg.log" 2>&1 || {
        tail -n 5 "$times/ldap2pg.log" >&2
        die "ldap2pg could not be fetched from PyPI or built: PIP_INDEX_URL names a mirror, PIP_PROXY a proxy"
    }
    cp "$steps/peers/ldap2pg.txt" "$peers/ldap2pg.installed"
}

start_program() { # PROGRAM
    local bench=$peers/$1
    start_postgres "$bench"
    # pg_ldap_sync grants in one transaction and locks each role: 64 locks a connection are too few.
    psql "$(cat "$bench/pg.url")" -c "ALTER SYSTEM SET max_locks_per_transaction = $((users / 20 + 1000))"
    size_postgres
    superuser=$(cat "$bench/pg.url")
    LDAP_PASSWORD=$(cat "$directory/ldap.password")
    export LDAP_PASSWORD
    "prepare_$1"
}

drop_program() { # PROGRAM
    [ -d "$peers/$1" ] || return 0
    stop_postgres "$peers/$1"
    rm -rf "$(postgres_home "$peers/$1")" "${peers:?}/$1"
}

drop_all() {
    local program
    for program in "${programs[@]}"; do drop_program "$program"; done
    stop_slapd "$directory"
}

prepare_pg_roster() {
    database=${superuser%/postgres}/bench
    bench=$peers/pg_roster fresh_database
}

pg_roster() { # NAME
    measure "pg_roster_$1" "$target/release/syncd" sync corp-ldap
}

counts_of_pg_roster() { psql "$database" -At -F ' ' -f "$steps/peers/rows.sql"; }

prepare_pg_ldap_sync() {
    psql "$superuser" -c 'CREATE ROLE ldap_users' -c 'CREATE ROLE ldap_groups'
    (umask 077 && perl "$steps/peers/pg_ldap_sync.pl" "$(cat "$directory/ldap.url")" "$superuser" >"$peers/pg_ldap_sync/config.yaml")
}

pg_ldap_sync() { # NAME
    measure "pg_ldap_sync_$1" /usr/bin/pg_ldap_sync -c "$peers/pg_ldap_sync/config.yaml"
}

counts_of_pg_ldap_sync() { psql "$superuser" -At -F ' ' -f "$steps/peers/roles.sql"; }

prepare_ldap2pg() {
    LDAPURI=$(cat "$directory/ldap.url")
    LDAPBINDDN=cn=admin,dc=example,dc=org
    LDAPPASSWORD=$LDAP_PASSWORD
    PGDSN=$superuser
    export LDAPURI LDAPBINDDN LDAPPASSWORD PGDSN
}

ldap2pg() { # NAME
    measure "ldap2pg_$1" "$peers/venv/bin/ldap2pg" --quiet --real --config "$steps/peers/ldap2pg.yml"
}

counts_of_ldap2pg() { psql "$superuser" -At -F ' ' -f "$steps/peers/roles.sql"; }
