#!/usr/bin/env bash
# install-extension.sh [PG_CONFIG]: builds the extension for the PostgreSQL that PG_CONFIG describes, and copies
# what differs into its folders: the library, the control file, and sql/*.sql as one file.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$repository"

pg_config=${1:-$(find_pg_config)} || die "no pg_config found: run scripts/setup.sh, or name one in PG_CONFIG"
pg_config=$(command -v "$pg_config") || die "there is no $1"
major=$(pg_major "$pg_config")
version=$(sed -nE "s/^default_version = '(.*)'/\1/p" extension/pg_roster.control)
build=$(extension_build "$major")
assembled=$build/extension
library=$build/release/libpg_roster.so
library_folder=$("$pg_config" --pkglibdir)
extension_folder=$("$pg_config" --sharedir)/extension

build_library() {
    [ -e "$library" ] || say "Building the extension for PostgreSQL $major (about 2 minutes the first time)"
    PGRX_PG_CONFIG_PATH=$pg_config cargo build --quiet --release --package pg_roster \
        --no-default-features --features "pg$major" --target-dir "$build"
}

assemble_sql() {
    local file
    # psql must not run the file by itself.
    printf '%s\n' '\echo Use "CREATE EXTENSION pg_roster" to load this file. \quit'
    for file in sql/*.sql; do
        printf '\n-- %s\n' "$file"
        cat "$file"
    done
}

# The folders belong to root as a rule.
as_owner_of() { # FOLDER COMMAND...
    local folder=$1
    shift
    if [ -w "$folder" ]; then
        "$@"
    elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        die "cannot write to $folder: run \`scripts/install-extension.sh $pg_config\` as a user who can (root, as a rule)"
    fi
}

# A running server keeps the old library mapped, so the file is replaced, never overwritten.
copy_if_different() { # FROM FOLDER NAME MODE
    local to=$2/$3
    if cmp --silent "$1" "$to"; then return; fi
    as_owner_of "$2" install -m "$4" "$1" "$to.new"
    as_owner_of "$2" mv -f "$to.new" "$to"
    say "Installed $to"
}

mkdir -p "$assembled"
# Two installations at once (tests, a demo) take turns.
exec 9>"$assembled/lock"
flock 9

build_library
assemble_sql >"$assembled/pg_roster--$version.sql"
copy_if_different "$library" "$library_folder" pg_roster.so 755
copy_if_different extension/pg_roster.control "$extension_folder" pg_roster.control 644
copy_if_different "$assembled/pg_roster--$version.sql" "$extension_folder" "pg_roster--$version.sql" 644
