# shellcheck shell=bash disable=SC2154
# What is measured, step by step. To be sourced after measure.sh and servers.sh.

# ldapsearch takes its turn right before or after what it is compared with.
read_with_ldapsearch() { # NAME
    measure "$1" "$steps/ldapsearch.sh" "$(cat "$directory/ldap.url")" "$directory/ldap.password"
}

synchronise() { # NAME [ARGUMENTS]
    local name=$1
    shift
    measure "$name" "$target/release/syncd" sync corp-ldap "$@"
}

ask() { psql "$database" -At "$@"; }

first_synchronisation() {
    local round
    for round in $(seq "$rounds"); do
        say "First synchronisation and its yardsticks, round $round of $rounds"
        fresh_database
        ask -c CHECKPOINT
        read_with_ldapsearch first_ldapsearch
        synchronise first
        ask -F ' ' -f "$steps/settled.sql" -f "$steps/phases.sql" | note phases
        [ "$round" -gt 1 ] || (mkdir -p "$rows" && cd "$rows" && psql "$database" -f "$steps/export.sql")
        copy_and_insert
    done
}

copy_and_insert() {
    local part
    psql "$database" -f "$steps/yardstick.sql"
    for part in facts rest; do
        (cd "$rows" && measure "copy_$part" "$psql_program" -X -q "$database" -f "$steps/yardstick_$part.sql")
    done
    ask -c 'SET client_min_messages = warning' -c 'DROP SCHEMA yardstick CASCADE'
}

# Everything is read, as if no server could tell what changed.
further_synchronisations() {
    local round
    ask -c VACUUM -c CHECKPOINT
    for round in 1 2 3; do
        say "Synchronisations of what is there already, everything read, round $round of 3"
        read_with_ldapsearch ldapsearch
        noting_rows written synchronise unchanged --full
        synchronise plan --full --plan
        read_with_ldapsearch ldapsearch
        change_users 100 "$round"
        synchronise changed --full
    done
}

# noting_rows NAME COMMAND...: notes the rows and the bytes of WAL that it wrote.
noting_rows() {
    local name=$1 before
    shift
    before=$(written)
    "$@"
    printf '%s %s\n' "$before" "$(written)" | awk '{ print $3 - $1, $4 - $2 }' | note "$name"
}

written() { ask -F ' ' -f "$steps/settled.sql" -f "$steps/written.sql"; }

# So many users, spread over the directory, get another title.
change_users() { # COUNT WORD
    perl -e 'my ($users, $count, $word) = @ARGV;
             for (0 .. $count - 1) {
                 printf "dn: uid=u%07d,ou=people,dc=example,dc=org\nchangetype: modify\nreplace: title\ntitle: Title %d of %s\n\n",
                     $_ * int($users / $count), $_, $word;
             }' "$users" "$1" "$2 $$" | modify_directory
}

modify_directory() {
    ldapmodify -x -H "$(cat "$directory/ldap.url")" -D cn=admin,dc=example,dc=org -y "$directory/ldap.password" >/dev/null
}

# Bytes of the group of everybody, as it is read.
largest_entry() {
    ldapsearch -x -LLL -o ldif-wrap=no -H "$(cat "$directory/ldap.url")" -D cn=admin,dc=example,dc=org \
        -y "$directory/ldap.password" -b cn=everyone,ou=groups,dc=example,dc=org -s base member |
        sed 's/^member: //' | wc -c
}

reads() {
    local round
    say "Reading"
    ask -c 'VACUUM ANALYZE' -c CHECKPOINT
    ask -v users="$users" -f "$steps/reads.sql" >"$times/reported"
    for round in 1 2 3; do
        transactions own 1
        transactions effective 1
    done
}

single_changes() {
    local round
    say "Single changes"
    ask -v small=g000020 -f "$steps/singles.sql" >>"$times/reported"
    psql "$database" -f "$steps/plain.sql"
    for round in 1 2 3; do
        transactions plain 16
        transactions singles 16
    done
}

policies() {
    say "Row-level security"
    ask -f "$steps/policies.sql" >>"$times/reported"
}

# transactions NAME CLIENTS: notes how often NAME.pgbench ran in a second.
transactions() {
    local pgbench
    pgbench=$("$(find_pg_config)" --bindir)/pgbench
    "$pgbench" -n -M prepared -c "$2" -j $(($2 > 1 ? 2 : 1)) -T "$pgbench_seconds" -D users="$users" -D groups=$((users / 20)) \
        -f "$steps/$1.pgbench" "$database" 2>"$times/$1.log" | sed -n 's/^tps = \([0-9.]*\).*/\1/p' | note "$1"
}
