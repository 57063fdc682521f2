# shellcheck shell=bash disable=SC2154
# The table. To be sourced after measure.sh.

report_peers() {
    local name
    : >"$times/table"
    cells what pg_roster "pg_ldap_sync $(dpkg-query -W -f '${Version}' ruby-pg-ldap-sync)" "$(sed -n 's/^ldap2pg==/ldap2pg /p' "$steps/peers/ldap2pg.txt")"
    row_of_programs 'first sync' first_seconds
    row_of_programs 'unchanged' unchanged_seconds
    row_of_programs '1 % changed' changed_seconds
    row_of_programs 'peak memory, first' first_memory
    row_of_programs 'peak memory, unchanged' unchanged_memory
    row_of_programs 'roles, or users and groups' count 1
    row_of_programs 'memberships' count 2
    row_of_programs 'attributes' count 3
    cells writes 'rows with history' 'roles, GRANTs' 'roles, GRANTs'
    cells 'known again by' 'immutable id' name name
    cells 'stops at mass removals' yes no no
    cells 'reads only what changed' "$(incremental)" no no
    printf '\n%s users, %s cores, PostgreSQL %s, OpenLDAP %s; medians of wall time; memory of the program without PostgreSQL.\n' "$users" \
        "$(nproc)" "$("$(find_pg_config)" --version | awk '{ print $2 }')" "$(openldap_version)"
    printf '%s\n' 'pg_ldap_sync and ldap2pg do something else: they make a PostgreSQL role of each user and group and grant memberships, by name,' \
        'without a guard, attributes, history, or reading only what changed. So this says what each takes for its own result, no more.' \
        "max_locks_per_transaction is $((users / 20 + 1000)) for all three: with the default of 64 pg_ldap_sync runs out of locks at 10000 users." ''
    print_table
}

cells() { # WHAT AND ONE FOR EACH PROGRAM
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$times/table"
}

row_of_programs() { # WHAT HOW ARGUMENTS...
    local what=$1 how=$2 program values=()
    shift 2
    for program in "${programs[@]}"; do values+=("$("$how" "$program" "$@")"); done
    cells "$what" "${values[@]}"
}

first_seconds() { seconds "$(median "$1_first")"; }
unchanged_seconds() { seconds "$(median "$1_unchanged")"; }
changed_seconds() { seconds "$(median "$1_changed")"; }
first_memory() { bytes "$(calculate "$(highest "$1_first" 3) * 1024")"; }
unchanged_memory() { bytes "$(calculate "$(highest "$1_unchanged" 3) * 1024")"; }
count() { awk -v column="$2" '{ print $column == "" ? "none" : $column }' "$times/$1.counts"; }

# Whether the source of the benchmark reads what changed.
incremental() { if grep -q '"incremental": *"off"' "$steps/source.sql"; then echo 'yes, off here'; else echo yes; fi; }

openldap_version() { "$(slapd_program)" -VV 2>&1 | sed -nE 's/.*slapd ([0-9.]+).*/\1/p'; }
