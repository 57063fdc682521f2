#!/usr/bin/env bash
# The private OpenLDAP server of the demo. To be sourced after lib.sh.
# mdb with memberof, refint and syncprov (changes can be followed), an own certificate authority, LDAP and LDAPS on free ports of 127.0.0.1.

ldap_suffix=dc=example,dc=org
ldap_admin=cn=admin,$ldap_suffix

slapd_program() { PATH=$PATH:/usr/sbin:/usr/lib/openldap command -v slapd; }

# slapadd is slapd under another name.
slapadd_program() { PATH=$PATH:/usr/sbin command -v slapadd; }

slapd_runs() { # DIR
    local pid
    pid=$(cat "$1/slapd/pid" 2>/dev/null) || return 1
    [ "$(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | head -1)" = "$(slapd_program)" ]
}

# A file that is gone was read once and for all.
is_filled_from() { # DIR LDIF
    [ -e "$1/slapd/filled" ] || return 1
    [ ! -e "$2" ] || [ "$(cat "$1/slapd/filled")" = "$(sha256sum <"$2")" ]
}

# start_slapd DIR LDIF [SCHEMA]: a private OpenLDAP below DIR, filled from LDIF when it is new or LDIF is another than
# before, started if it does not run. Leaves DIR/ldap.url, DIR/ldaps.url, DIR/ldap.password and DIR/slapd/tls/ca.pem.
start_slapd() {
    local dir=$1 ldif=$2 schema=${3:-}
    if ! is_filled_from "$dir" "$ldif"; then
        stop_slapd "$dir"
        make_directory "$dir" "$ldif" "$schema"
    fi
    if slapd_runs "$dir"; then return; fi
    serve_directory "$dir"
    wait_for_slapd "$dir"
}

make_directory() { # DIR LDIF SCHEMA
    local home=$1/slapd
    rm -rf "$home"
    mkdir -p "$home/db"
    chmod 700 "$home"
    make_certificates "$home/tls"
    (umask 077 && random_password >"$1/ldap.password")
    (umask 077 && slapd_configuration "$home" "$(cat "$1/ldap.password")" "$3" >"$home/slapd.conf")
    "$(slapadd_program)" -q -f "$home/slapd.conf" -b "$ldap_suffix" -l "$2"
    sha256sum <"$2" >"$home/filled"
}

make_certificates() { # FOLDER
    mkdir -p "$1"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=pg_roster demo CA" \
        -keyout "$1/ca.key" -out "$1/ca.pem" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$1/server.key" -out "$1/server.csr" 2>/dev/null
    openssl x509 -req -in "$1/server.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 3650 \
        -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n') \
        -out "$1/server.pem" 2>/dev/null
}

slapd_configuration() { # HOME PASSWORD SCHEMA
    local name
    for name in core cosine inetorgperson; do echo "include /etc/ldap/schema/$name.schema"; done
    [ -z "$3" ] || echo "include \"$3\""
    cat <<CONF
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload syncprov
pidfile "$1/pid"
TLSCACertificateFile "$1/tls/ca.pem"
TLSCertificateFile "$1/tls/server.pem"
TLSCertificateKeyFile "$1/tls/server.key"
sizelimit size.soft=500 size.hard=unlimited size.pr=unlimited
database mdb
suffix "$ldap_suffix"
rootdn "$ldap_admin"
rootpw $2
directory "$1/db"
index objectClass,uid,cn,member,entryUUID,entryCSN eq
access to attrs=userPassword by anonymous auth by * none
access to * by users read
overlay memberof
memberof-refint true
overlay refint
refint_attributes member
overlay syncprov
syncprov-checkpoint 1000 10
syncprov-sessionlog 100000
CONF
}

serve_directory() { # DIR
    local plain tls
    plain=$(free_port)
    tls=$(free_port)
    "$(slapd_program)" -f "$1/slapd/slapd.conf" -h "ldap://127.0.0.1:$plain ldaps://127.0.0.1:$tls"
    echo "ldap://127.0.0.1:$plain" >"$1/ldap.url"
    echo "ldaps://127.0.0.1:$tls" >"$1/ldaps.url"
}

wait_for_slapd() { # DIR
    local tries
    for tries in $(seq 100); do
        ldapsearch -x -H "$(cat "$1/ldap.url")" -s base -b '' namingContexts >/dev/null 2>&1 && return
        [ "$tries" -lt 100 ] && sleep 0.1
    done
    die "OpenLDAP does not answer on $(cat "$1/ldap.url")"
}

# stop_slapd DIR: ends that server; nothing to do when it does not run.
stop_slapd() {
    local pid
    if ! slapd_runs "$1"; then return; fi
    pid=$(cat "$1/slapd/pid")
    kill "$pid"
    # It is not our child, so there is nothing to wait on but the process itself.
    while [ -e "/proc/$pid" ]; do sleep 0.1; done
}
