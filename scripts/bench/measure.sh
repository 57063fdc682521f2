# shellcheck shell=bash disable=SC2154
# Measuring, and the table that comes of it. To be sourced.
# Every measurement is a line of $times/NAME: seconds, CPU seconds, peak memory in KiB. Repeated ones give a median.

measure() { # NAME COMMAND...
    local name=$1
    shift
    perl "$steps/run.pl" "$@" >>"$times/$name" 2>"$times/$name.log" || {
        cat "$times/$name.log" >&2
        die "$1 failed"
    }
}

# note NAME: numbers on standard input, a line each, become measurements.
note() { cat >>"$times/$1"; }

# value NAME: what a script reported as NAME|NUMBER lines in $times/reported.
value() { sed -n "s/^$1|//p" "$times/reported"; }

median() { # NAME [COLUMN]
    awk -v column="${2:-1}" '{ print $column }' "$times/$1" | sort -g |
        awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

highest() { # NAME COLUMN
    awk -v column="$2" '$column > most { most = $column } END { print most + 0 }' "$times/$1"
}

calculate() { awk "BEGIN { printf \"%.10g\", $1 }"; }

# Numbers as people read them: three digits and a unit.
seconds() { awk -v s="$1" 'BEGIN { if (s < 0.001) printf "%.0f us", s * 1e6; else if (s < 1) printf "%.3g ms", s * 1000; else printf "%.2f s", s }'; }
bytes() { awk -v b="$1" 'BEGIN { if (b < 1048576) printf "%.0f KiB", b / 1024; else printf "%.0f MiB", b / 1048576 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2fx", a / b }'; }
millions() { awk -v n="$1" 'BEGIN { printf "%.2f M", n / 1e6 }'; }

row() { # WHAT OURS YARDSTICK RATIO GOAL
    printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$times/table"
}

# row_of_times WHAT OURS YARDSTICK NAME GOAL: OURS and YARDSTICK in seconds.
row_of_times() {
    row "$1" "$(seconds "$2")" "$(seconds "$3") $4" "$(ratio "$2" "$3")" "$5"
}

print_table() {
    awk -F '\t' '
        NR == FNR { for (i = 1; i <= NF; i++) if (length($i) > width[i]) width[i] = length($i); next }
        { for (i = 1; i < NF; i++) printf "%-*s  ", width[i], $i; print $NF }
        FNR == 1 { for (i = 1; i <= NF; i++) { for (j = 0; j < width[i]; j++) printf "-"; printf i < NF ? "  " : "\n" } }
    ' "$times/table" "$times/table"
}
