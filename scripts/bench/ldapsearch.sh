#!/usr/bin/env bash
# ldapsearch.sh URL PASSWORD_FILE: prints the entries and attributes that syncd asks for (source.sql), each once.
set -euo pipefail

search() { ldapsearch -x -LLL -H "$url" -D cn=admin,dc=example,dc=org -y "$password" -E pr=1000/noprompt "$@"; }

url=$1 password=$2
search -b ou=people,dc=example,dc=org '(objectClass=inetOrgPerson)' \
    entryUUID uid cn mail telephoneNumber employeeNumber departmentNumber title l
search -b ou=groups,dc=example,dc=org '(objectClass=groupOfNames)' entryUUID cn description businessCategory ou member
