# shellcheck shell=bash disable=SC2154
# Debian packages, installed when they are missing: as root with apt-get, else with sudo; with neither they are named and that is
# the end. To be sourced after lib.sh.

# install_missing PACKAGE...: nothing to do when all of them are there.
install_missing() {
    local missing log=$target/setup.log
    mapfile -t missing < <(missing_of "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    can_install || die "install these packages first, as root: apt-get install ${missing[*]}"
    mkdir -p "$target"
    say "Installing ${missing[*]} (one to three minutes; details in $log)"
    install_packages "${missing[@]}" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "the packages could not be installed: install them as root with apt-get install ${missing[*]}"
    }
}

missing_of() {
    local package
    for package in "$@"; do
        is_installed "$package" || echo "$package"
    done
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
    if is_root; then
        "$@"
    else
        sudo "$@"
    fi
}

can_install() {
    command -v apt-get >/dev/null || return 1
    is_root && return
    command -v sudo >/dev/null || return 1
    [ -t 0 ] || sudo -n true 2>/dev/null
}

# RUNLEVEL=1: the packages must not start servers of their own.
apt() { as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"; }

install_packages() {
    # No directory below /var: the answer counts only while slapd is not there yet.
    echo 'slapd slapd/no_configuration boolean true' | as_root debconf-set-selections
    # Package lists may be missing, or too old to match the mirror.
    apt install -y --no-install-recommends "$@" && return
    apt update
    apt install -y --no-install-recommends "$@"
}
