#!/usr/bin/env perl
# generate.pl USERS GROUPS: a directory as LDIF, the same one every time. One group of everyone, ten of a tenth of
# them, many small ones; every tenth of these is inside another.
use strict;
use warnings;

my ($users, $groups) = @ARGV;
my $base = 'dc=example,dc=org';
srand 42;

sub user_dn  { sprintf 'uid=u%07d,ou=people,%s', $_[0], $base }
sub group_dn { sprintf 'cn=g%06d,ou=groups,%s',  $_[0], $base }

sub members {
    my ($group) = @_;
    return 0 .. $users - 1 if $group == 0;
    my $size = $group <= 10 ? int($users / 10) : 1 + int(-60 * log(1 - rand));
    my %chosen;
    $chosen{ int rand $users } = 1 while keys %chosen < ($size < $users ? $size : $users);
    return sort { $a <=> $b } keys %chosen;
}

my %children;
for (my $group = 20; $group < $groups; $group += 10) {
    push @{ $children{ 11 + int rand($group - 11) } }, $group;
}

print "dn: $base\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n";
print "dn: ou=$_,$base\nobjectClass: organizationalUnit\nou: $_\n\n" for qw(people groups);

my @titles = qw(Engineer Manager Analyst Clerk);
for my $user (0 .. $users - 1) {
    printf "dn: %s\nobjectClass: inetOrgPerson\nuid: u%07d\ncn: User Number %d\nsn: Number%d\n", user_dn($user), ($user) x 3;
    printf "mail: u%07d\@example.org\ndepartmentNumber: D%03d\ntitle: %s\n\n", $user, $user % 250, $titles[ $user % 4 ];
}
for my $group (0 .. $groups - 1) {
    printf "dn: %s\nobjectClass: groupOfNames\ncn: g%06d\ndescription: Group %d\n", group_dn($group), ($group) x 2;
    print 'member: ', user_dn($_),  "\n" for members($group);
    print 'member: ', group_dn($_), "\n" for @{ $children{$group} // [] };
    print "\n";
}
