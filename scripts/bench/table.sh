# shellcheck shell=bash disable=SC2154
# Table sources of the same database, next to a plain INSERT ... SELECT of the same rows into an equally indexed table.
# To be sourced after steps.sh.

tables() {
    # The steps that are shared with other benchmarks look here.
    local database=${superuser%/postgres}/bench_table round
    for round in $(seq "$rounds"); do
        say "Table source: $users users with 5 attributes each, round $round of $rounds"
        psql "$superuser" -v name=bench_table -f "$steps/table_database.sql"
        ask -v users="$users" -f "$steps/table_fill.sql" >"$times/table.log"
        measure_table table_plain "$steps/table_plain.sql"
        sync_table table_first hr
        sync_table table_unchanged hr
        sync_table table_stamped_first stamped
        ask -f "$steps/table_change.sql"
        sync_table table_changed hr
        sync_table table_stamped stamped
    done
}

# Nothing that was written before may be waiting to be written while something is measured.
measure_table() { # NAME FILE
    ask -c CHECKPOINT
    measure "$1" "$psql_program" -X -q "$database" -v ON_ERROR_STOP=1 -f "$2"
}

sync_table() { # NAME SOURCE
    ask -c CHECKPOINT
    measure "$1" "$psql_program" -X -q "$database" -v ON_ERROR_STOP=1 -c "SELECT roster.sync_table_now('$2')"
}

report_table() {
    local plain
    plain=$(median table_plain)
    row_of_times 'table source, first' "$(median table_first)" "$plain" 'INSERT ... SELECT' '<= 2.5x, stretch 2x'
    row_of_times '  unchanged, read in full' "$(median table_unchanged)" "$plain" 'INSERT ... SELECT' '<= 0.5x'
    row_of_times '  0.1 % changed, read in full' "$(median table_changed)" "$plain" 'INSERT ... SELECT' '<= 0.5x'
    row_of_times '  0.1 % changed, by time stamp' "$(median table_stamped)" "$plain" 'INSERT ... SELECT' '-'
}
