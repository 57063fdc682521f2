#!/usr/bin/env bash
# setup.sh: installs the Debian packages that building, testing and the demo need, if any is missing.
# As root with apt-get, else with sudo; with neither it names the packages and stops.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

postgres_packages=(postgresql-15 postgresql-server-dev-15)
build_packages=(gcc make pkg-config clang libclang-dev)
directory_packages=(slapd ldap-utils openssl)
# For the tests: a domain controller, which stands in for Active Directory.
domain_packages=(samba samba-ad-provision samba-dsdb-modules samba-vfs-modules)
# 389-DS is for the long tests only (SETUP_ALL).
long_test_packages=(389-ds-base)
pool_packages=(pgbouncer)
# `kill` as a program, pg_cron, and what the conformance suites of SCIM are installed with (scim-suites.sh), for the tests.
# Examples of the documentation are run with curl and python3.
test_packages=(procps python3 python3-venv postgresql-15-cron curl)
bench_packages=(curl wrk perl)

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The packages that are not there. A PostgreSQL with headers that is there already will do.
missing_packages() {
    local package
    local wanted=("${build_packages[@]}" "${directory_packages[@]}" "${pool_packages[@]}" "${test_packages[@]}" "${bench_packages[@]}")
    wanted+=("${domain_packages[@]}")
    [ -z "${SETUP_ALL:-}" ] || wanted+=("${long_test_packages[@]}")
    find_pg_config >/dev/null || wanted+=("${postgres_packages[@]}")
    for package in "${wanted[@]}"; do
        is_installed "$package" || echo "$package"
    done
}

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

# RUNLEVEL holds until the next boot: the file server that comes with a domain controller must not start then either.
# Only what was installed here; who has a Samba of their own keeps it.
keep_off() { # PACKAGE...
    case " $* " in *" samba "*) ;; *) return 0 ;; esac
    ! command -v systemctl >/dev/null || as_root systemctl disable smbd nmbd samba-ad-dc
}

[ -z "${PG_CONFIG:-}" ] || command -v "$PG_CONFIG" >/dev/null || die "PG_CONFIG names $PG_CONFIG, which is not there"
command -v dpkg-query >/dev/null || die "this is not a Debian: install PostgreSQL 15 with its server headers, clang with" \
    "libclang, gcc, make, pkg-config, OpenLDAP's slapd and client programs, Samba's domain controller, pgbouncer, openssl, and Python 3 with venv; then name pg_config in PG_CONFIG"
command -v cargo >/dev/null || die "cargo is missing: install Rust from https://rustup.rs"

mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" -gt 0 ] || exit 0
can_install || die "install these packages first, as root: apt-get install ${missing[*]}"
mkdir -p "$target"
log=$target/setup.log
say "Installing ${missing[*]} (one to three minutes; details in $log)"
install_packages "${missing[@]}" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "the packages could not be installed: install them as root with apt-get install ${missing[*]}"
}
keep_off "${missing[@]}" >>"$log" 2>&1 || say "systemd could not be told to leave smbd, nmbd and samba-ad-dc off: see $log"
