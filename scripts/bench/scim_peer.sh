# shellcheck shell=bash disable=SC2034,SC2154
# Another SCIM server, which keeps everything in memory: what it holds, a few thousand users, is compared with what
# we do with all of ours. To be sourced after scim.sh.

peer_members=1000

measure_peer() {
    # Where the steps that are shared with scim.sh send their requests.
    local scim_url=
    peer="scim2-server $(sed -n 's/^scim2-server==//p' "$steps/scim_peer.txt")"
    install_peer || {
        say "SCIM: scim2-server cannot be installed, so its rows are left out (details in $times/peer.log)"
        return 0
    }
    start_peer
    say "SCIM: $peer"
    load peer_create 16 create /Users "$steps/scim_user.json" 0
    load peer_find 16 find /Users "$peer_members"
    peer_ids 1 "$peer_members" >"$times/peer.ids"
    peer_ids $((peer_members + 1)) 100 >"$times/peer.extra.ids"
    load peer_member 1 turns "/Groups/$(peer_group)" "$times/peer.extra.ids"
    peer_users=$(request GET '/Users?count=1&attributes=id' | sed -nE 's/.*"totalResults": *([0-9]+).*/\1/p')
    stop_peer
}

# Once for each list of versions.
install_peer() {
    cmp -s "$steps/scim_peer.txt" "$bench/peer/versions" && return
    say "SCIM: installing $peer below $bench/peer"
    rm -rf "$bench/peer"
    {
        python3 -m venv "$bench/peer" && "$bench/peer/bin/pip" install --quiet --requirement "$steps/scim_peer.txt"
    } >"$times/peer.log" 2>&1 || return
    cp "$steps/scim_peer.txt" "$bench/peer/versions"
}

start_peer() {
    local port
    port=$(free_port)
    "$bench/peer/bin/scim2-server" --port "$port" >/dev/null 2>"$times/peer.log" 9>&- &
    peer_pid=$!
    scim_url=http://127.0.0.1:$port
    wait_for "$peer_pid" "$times/peer.log" curl --silent --fail "$scim_url/ServiceProviderConfig"
}

stop_peer() { end_process "${peer_pid:-}" && peer_pid=; }

peer_ids() { # FIRST COUNT
    request GET "/Users?startIndex=$1&count=$2&attributes=id" | grep -oE '"id": *"[^"]+"' | sed -E 's/.*"([^"]+)"$/\1/'
}

peer_group() {
    perl -e 'chomp(my @ids = <STDIN>);
             print "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"everyone\",\"members\":[",
                 join(",", map { "{\"value\":\"$_\"}" } @ids), "]}";' <"$times/peer.ids" >"$times/peer.group"
    request POST /Groups --data-binary "@$times/peer.group" | sed -nE 's/.*"id": *"([^"]+)".*/\1/p'
}
