# shellcheck shell=bash disable=SC2154
# The rows of scim.sh. To be sourced after report.sh.

report_scim() {
    row_of_requests "SCIM: POST /Users at $users users, 16 clients" scim_create "$(per_second "$(median scim_plain)") pgbench, same rows" \
        "$(ratio "$(median scim_create)" "$(median scim_plain)")" '>= 0.5x and >= 400/s'
    row_of_peer peer_create scim_create "$peer, $peer_users users"
    row_of_requests "SCIM: GET by userName at $users users, 16 clients" scim_find - - '>= 1000/s'
    row_of_peer peer_find scim_find "$peer, $peer_users users"
    row_of_times "SCIM: PATCH of one member of $users" "$(median scim_everyone 2)" "$(median scim_small 2)" 'of 100' '<= 1.5x'
    row_of_requests '  one client' scim_everyone "$(per_second "$(median scim_small)") of 100" \
        "$(ratio "$(median scim_everyone)" "$(median scim_small)")" '>= 200/s'
    row_of_peer peer_member scim_everyone "$peer, $peer_members members"
    row_of_requests 'SCIM: 16 clients add members to one group' scim_crowd - - -
    row_of_times "SCIM: GET of a group of $users" "$(median scim_whole)" "$(median scim_members_plain)" 'psql, same members' -
    row '  peak memory of syncd' "$(kibibytes scim_memory_after)" "$(kibibytes scim_memory_before) before" \
        "$(ratio "$(median scim_memory_after)" "$(median scim_memory_before)")" flat
}

row_of_requests() { # WHAT NAME YARDSTICK RATIO GOAL
    row "$1" "$(per_second "$(median "$2")")" "$3" "$4" "$5"
}

# Without the network the other server may be missing.
row_of_peer() { # PEER_NAME NAME PEER
    [ -e "$times/$1" ] || return 0
    row_of_requests '  a peer, in memory' "$2" "$(per_second "$(median "$1")") $3" "$(ratio "$(median "$2")" "$(median "$1")")" -
}

per_second() { awk -v n="$1" 'BEGIN { printf n < 100 ? "%.1f/s" : "%.0f/s", n }'; }
kibibytes() { bytes "$(calculate "$(median "$1") * 1024")"; }
