#!/usr/bin/env perl
# changes.pl forth|back USERS: LDIF that changes 1 % of the directory, and takes it back. One in 200 users is new, and in one of ten new
# groups; one in 200 of those who were there joins one of them.
use strict;
use warnings;

my ($direction, $users) = @ARGV;
my $base  = 'dc=example,dc=org';
my $half  = int($users / 200) || 1;
my @joins = map { sprintf 'u%07d', $_ * 200 + 7 } 0 .. $half - 1;
my @new   = map { sprintf 'new%05d', $_ } 0 .. $half - 1;

sub dn { "uid=$_[0],ou=people,$base" }
sub group { "cn=new-group-$_[0],ou=groups,$base" }

if ($direction eq 'back') {
    print "dn: ", group($_), "\nchangetype: delete\n\n" for 0 .. 9;
    print "dn: ", dn($_), "\nchangetype: delete\n\n" for @new;
    exit;
}
for my $uid (@new) {
    print "dn: ", dn($uid), "\nchangetype: add\nobjectClass: inetOrgPerson\nuid: $uid\ncn: New $uid\nsn: New\nmail: $uid\@example.org\n\n";
}
for my $group (0 .. 9) {
    my @members = map { dn($_) } map { @$_[grep { $_ % 10 == $group } 0 .. $#$_] } \@joins, \@new;
    @members = dn('u0000000') unless @members;    # groupOfNames must have one
    print "dn: ", group($group), "\nchangetype: add\nobjectClass: groupOfNames\ncn: new-group-$group\n", (map { "member: $_\n" } @members), "\n";
}
