#!/usr/bin/env perl
# pg_ldap_sync.pl LDAP_URL DATABASE_URL: its configuration. LDAP_PASSWORD: the password there.
use strict;
use warnings;

my ($ldap, $database) = @ARGV;
my ($ldap_host, $ldap_port) = $ldap =~ m{^ldap://([^:]+):(\d+)$} or die "pg_ldap_sync.pl: $ldap\n";
my ($user, $password, $host, $port, $name) = $database =~ m{^postgresql://([^:]+):([^@]+)@([^:]+):(\d+)/(.+)$}
    or die "pg_ldap_sync.pl: not a database URL\n";

# The roles it may touch are those in ldap_users and ldap_groups.
print <<"YAML";
ldap_connection:
  host: $ldap_host
  port: $ldap_port
  auth:
    method: :simple
    username: cn=admin,dc=example,dc=org
    password: $ENV{LDAP_PASSWORD}
ldap_users:
  base: ou=people,dc=example,dc=org
  filter: (objectClass=inetOrgPerson)
  name_attribute: uid
ldap_groups:
  base: ou=groups,dc=example,dc=org
  filter: (objectClass=groupOfNames)
  name_attribute: cn
  member_attribute: member
pg_connection:
  host: $host
  port: $port
  dbname: $name
  user: $user
  password: $password
pg_users:
  filter: oid IN (SELECT m.member FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE r.rolname = 'ldap_users')
  create_options: LOGIN IN ROLE ldap_users
pg_groups:
  filter: oid IN (SELECT m.member FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE r.rolname = 'ldap_groups')
  create_options: NOLOGIN IN ROLE ldap_groups
YAML
