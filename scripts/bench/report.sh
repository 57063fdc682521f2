# shellcheck shell=bash disable=SC2154
# The table. To be sourced after measure.sh.

report() {
    : >"$times/table"
    row what ours yardstick ratio goal
    case $only in
        '' | ldap)
            report_synchronisations
            report_incremental
            report_memory
            ;;
    esac
    if [ -z "$only" ]; then
        report_reads
        report_policies
        report_single_changes
    fi
    case $only in '' | table) report_table ;; esac
    case $only in '' | scim) report_scim ;; esac
    report_machines
    printf '\n%s\n' "$(machine)"
    printf 'Medians; every yardstick is measured in turns with what it is compared with.\n\n'
    print_table
    case $only in '' | ldap) report_seconds ;; esac
}

machine() {
    local server
    server="$(nproc) cores, PostgreSQL $(psql "$superuser" -At -c 'SHOW server_version')"
    if [ -n "$only" ] && [ "$only" != ldap ]; then
        printf '%s users · %s' "$users" "$server"
    else
        printf '%s users, %s memberships · %s, OpenLDAP %s' "$users" \
            "$(ask -c 'SELECT count(*) FROM roster_private.membership WHERE source_id <> 1')" "$server" "$(openldap_version)"
    fi
}

report_seconds() {
    printf '\nCPU seconds: syncd %s in a first and %s in an unchanged sync, ldapsearch %s\n' \
        "$(median first 2)" "$(median unchanged 2)" "$(median ldapsearch 2)"
    printf 'Where a first sync spends its seconds, by function (make_plan to statistics are parts of complete_run):\n'
    report_phases
}

openldap_version() { "$(slapd_program)" -VV 2>&1 | sed -nE 's/.*slapd ([0-9.]+).*/\1/p'; }

report_synchronisations() {
    local first everything
    first=$(median first)
    everything=$(calculate "$(median copy_facts) + $(median copy_rest)")
    row_of_times 'first sync' "$first" "$(median first_ldapsearch)" ldapsearch '<= 8x, stretch 4x'
    row_of_times 'first sync' "$first" "$everything" 'COPY + INSERT of all rows it writes' '<= 1.3x'
    row_of_times 'first sync' "$first" "$(median copy_facts)" 'COPY + INSERT of the facts alone' '-'
    row_of_times 'unchanged sync, everything read' "$(median unchanged)" "$(median ldapsearch)" ldapsearch '<= 2x'
    row 'unchanged sync, rows written' "$(highest written 1)" - - 0
    row 'unchanged sync, WAL' "$(bytes "$(highest written 2)")" - - '< 1 MiB'
    row_of_times 'plan of an unchanged directory' "$(median plan)" "$(median ldapsearch)" ldapsearch '<= 2x'
    row_of_times '100 users changed, everything read' "$(median changed)" "$(median ldapsearch)" ldapsearch -
}

report_memory() {
    local largest goal name
    local -A what=([first]='first sync' [unchanged]='unchanged sync, everything read' [incremental_member]='incremental, with the largest entry' [live_memory]='live')
    largest=$(largest_entry)
    goal="<= $(bytes "$(calculate "128 * 1048576 + 6 * $largest")")"
    for name in first unchanged incremental_member live_memory; do
        row "peak memory of syncd, ${what[$name]}" "$(bytes "$(calculate "$(highest "$name" 3) * 1024")")" "largest entry $largest bytes" - "$goal"
    done
}

report_reads() {
    row_of_times "one user's effective attributes" "$(calculate "$(value effective) / 1e6")" "$(calculate "$(value own) / 1e6")" \
        'own attributes alone' '<= 3x and <= 500 us'
    row_of_times '  as a client sees it' "$(calculate "1 / $(median effective)")" "$(calculate "1 / $(median own)")" \
        'own attributes alone' '<= 3x'
    row 'all users, one attribute name, one core' "$(rate one_name)" "$(millions "$(value one_name_rows)") rows" - '>= 1.00 M rows/s'
    row 'the whole of effective_attributes, one core' "$(rate all)" "$(millions "$(value all_rows)") rows" - -
}

rate() { echo "$(millions "$(calculate "$(value "$1_rows") / $(value "$1_seconds")")") rows/s"; }

# The literals take the same place: in the same WHERE, or in a policy of their own.
report_policies() {
    row_of_policies '1,000,000 rows, has_attribute in WHERE, full scan' where_scan '<= 1.3x'
    row_of_policies '  as a policy, full scan' policy_scan '<= 1.3x'
    row_of_policies '  in WHERE, 10,000 rows by index' where_index '<= 1.5x'
    row_of_policies '  as a policy, 10,000 rows by index' policy_index '<= 1.5x'
    row 'first helper call of a statement' "$(seconds "$(calculate "($(value first_call_ours) - $(value first_call_literal)) / 1000")")" \
        'over SELECT 1' - '<= 0.3 ms'
}

row_of_policies() { # WHAT NAME GOAL
    row_of_times "$1" "$(calculate "$(value "$2_ours") / 1000")" "$(calculate "$(value "$2_literal") / 1000")" '20 literals' "$3"
}

report_single_changes() {
    local what
    for what in member attribute; do
        row_of_times "one more $what of a group of everybody" "$(calculate "$(value "${what}_everyone") / 1000")" \
            "$(calculate "$(value "${what}_small") / 1000")" 'small group' '<= 5 ms'
        row '  rows written' "$(value "${what}_rows")" - - 'whatever the size'
    done
    row 'single changes, 16 clients' "$(changes_per_second singles)" "$(changes_per_second plain) same rows, plain tables" \
        "$(ratio "$(median singles)" "$(median plain)")" '>= 0.4x'
}

# pgbench counts scripts, each of two changes.
changes_per_second() { awk -v n="$(median "$1")" 'BEGIN { printf "%.0f/s", 2 * n }'; }

# Medians of phases.sql, column by column.
report_phases() {
    local column=1 name
    local names=(whole_run complete_run make_plan apply_users apply_groups apply_values apply_edges derive statistics)
    for name in "${names[@]}"; do
        printf '  %-14s %s\n' "$name" "$(median phases "$column")"
        column=$((column + 1))
    done
}
