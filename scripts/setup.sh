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

[ -z "${PG_CONFIG:-}" ] || command -v "$PG_CONFIG" >/dev/null || die "PG_CONFIG names $PG_CONFIG, which is not there"
command -v dpkg-query >/dev/null || die "this is not a Debian: install PostgreSQL 15 with its server headers, clang with" \
    "libclang, gcc, make, pkg-config, OpenLDAP's slapd and client programs, pgbouncer, openssl, and Python 3 with venv; then name pg_config in PG_CONFIG"
command -v cargo >/dev/null || die "cargo is missing: install Rust from https://rustup.rs"

packages=("${build_packages[@]}" "${directory_packages[@]}" "${pool_packages[@]}" "${test_packages[@]}" "${bench_packages[@]}")
[ -z "${SETUP_TESTS:-}" ] || packages+=("${domain_packages[@]}")
[ -z "${SETUP_ALL:-}" ] || packages+=("${long_test_packages[@]}")
# A PostgreSQL with headers that is there already will do.
find_pg_config >/dev/null || packages+=("${postgres_packages[@]}")
install_missing "${packages[@]}"
