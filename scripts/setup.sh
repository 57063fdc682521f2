#!/usr/bin/env bash
# setup.sh: installs the Debian packages that building, testing and the demo need, if any is missing.
# As root with apt-get, else with sudo; with neither it names the packages and stops.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/packages.sh"

postgres_packages=(postgresql-15 postgresql-server-dev-15)
build_packages=(gcc make pkg-config clang libclang-dev)
directory_packages=(slapd ldap-utils openssl)
# Active Directory, for the tests only (SETUP_TESTS): what a domain controller needs, without its clients.
domain_packages=(samba samba-ad-provision samba-dsdb-modules samba-vfs-modules)
# 389-DS is for the long tests only (SETUP_ALL).
long_test_packages=(389-ds-base)
pool_packages=(pgbouncer)
# `kill` as a program, pg_cron, and what the conformance suites of SCIM are installed with (scim-suites.sh), for the tests.
# Examples of the documentation are run with curl and python3.
test_packages=(procps python3 python3-venv postgresql-15-cron curl)
bench_packages=(curl wrk perl)

# RUNLEVEL holds until the next boot: the file server that comes with a domain controller must not start then either.
# Only what was installed here; who has a Samba of their own keeps it.
keep_off() { # PACKAGE...
    case " $* " in *" samba "*) ;; *) return 0 ;; esac
    command -v systemctl >/dev/null || return 0
    as_root systemctl disable smbd nmbd samba-ad-dc >>"$target/setup.log" 2>&1 ||
        say "systemd could not be told to leave smbd, nmbd and samba-ad-dc off: see $target/setup.log"
}

[ -z "${PG_CONFIG:-}" ] || command -v "$PG_CONFIG" >/dev/null || die "PG_CONFIG names $PG_CONFIG, which is not there"
command -v dpkg-query >/dev/null || die "this is not a Debian: install PostgreSQL 15 with its server headers, clang with" \
    "libclang, gcc, make, pkg-config, OpenLDAP's slapd and client programs, Samba's domain controller, pgbouncer, openssl, and Python 3 with venv; then name pg_config in PG_CONFIG"
command -v cargo >/dev/null || die "cargo is missing: install Rust from https://rustup.rs"

packages=("${build_packages[@]}" "${directory_packages[@]}" "${pool_packages[@]}" "${test_packages[@]}" "${bench_packages[@]}")
[ -z "${SETUP_TESTS:-}" ] || packages+=("${domain_packages[@]}")
[ -z "${SETUP_ALL:-}" ] || packages+=("${long_test_packages[@]}")
# A PostgreSQL with headers that is there already will do.
find_pg_config >/dev/null || packages+=("${postgres_packages[@]}")
mapfile -t missing < <(missing_of "${packages[@]}")
install_missing "${packages[@]}"
keep_off "${missing[@]}"
