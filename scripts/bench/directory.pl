#!/usr/bin/env perl
# directory.pl USERS: LDIF for slapadd of a made-up company, always the same for the same size.
#
# USERS users; a twentieth as many groups; about five memberships a user: everybody is in `everyone`, a tenth of all
# in each of g000001 to g000010, and every user in three of the small groups, whose sizes are exponentially distributed.
# The small groups are nested up to six deep, one in ten of the nested ones in two groups.
#
# Written as it is made up: in memory are the numbers of the members of each group, four bytes a membership.
use strict;
use warnings;

my $users = shift // die "usage: directory.pl USERS\n";
$users =~ /^\d+$/ && $users >= 1000 or die "directory.pl: at least 1000 users\n";

use constant LARGE => 10;
my $groups   = int($users / 20);
my $base     = 'dc=example,dc=org';
my @titles   = qw(Engineer Manager Analyst Clerk Designer Director Assistant Consultant);
my @cities   = ('Berlin', 'Paris', 'Zürich', 'Tōkyō', 'Málaga', 'Ohio', 'Michigan', 'Indiana', 'Iowa', 'Lisbon');
my @given    = qw(Ada Björn Carla Dmitri Elif Farid Grace Hana Igor Jürgen Keiko Lars Mona Noah Olga Pablo);
my @surnames = qw(Adler Brown Costa Dubois Eriksson Fischer García Haddad Ivanov Jensen Kim López Müller Novak);

srand 42;
my @parents = nest();
my @children = map { [] } 0 .. $groups - 1;
for my $child (0 .. $#parents) { push @{ $children[$_] }, $child for @{ $parents[$child] } }
my $places  = places();
my @members = ('') x $groups;

top();
user($_) for 0 .. $users - 1;
group($_) for 0 .. $groups - 1;

# The groups that each group is in. Small groups are in levels; each below the first is in one of the level above.
sub nest {
    my @share  = (0.05, 0.10, 0.15, 0.20, 0.25);    # the rest is the sixth level
    my @parents = map { [] } 0 .. $groups - 1;
    my ($above, $from) = ([], 1 + LARGE);
    for my $level (0 .. 5) {
        my $to = $level < 5 ? $from + int($share[$level] * ($groups - 1 - LARGE)) : $groups;
        for my $group ($from .. $to - 1) {
            next unless @$above;
            my %in = map { $above->[rand @$above] => 1 } 1 .. (rand() < 0.1 ? 2 : 1);
            $parents[$group] = [sort { $a <=> $b } keys %in];
        }
        ($above, $from) = ([$from .. $to - 1], $to) if $to > $from;
    }
    return @parents;
}

# As many places as each small group is to have members, 32 bits each: users take three at random.
sub places {
    my $places = '';
    $places .= pack('V', $_) x (1 + int(-log(1 - rand()) * 60)) for 1 + LARGE .. $groups - 1;
    return $places;
}

sub groups_of_next_user {
    my %in = map { unpack('V', substr($places, 4 * int rand(length($places) / 4), 4)) => 1 } 1 .. 3;
    return (0, (grep { rand() < 0.1 } 1 .. LARGE), sort { $a <=> $b } keys %in);
}

sub user_dn  { sprintf 'uid=u%07d,ou=people,%s', $_[0], $base }
sub group_dn { sprintf 'cn=%s,ou=groups,%s', group_name($_[0]), $base }
sub group_name { $_[0] ? sprintf('g%06d', $_[0]) : 'everyone' }

sub top {
    entry($base, 0, 0, objectClass => 'dcObject', objectClass => 'organization', dc => 'example', o => 'Example');
    entry("ou=$_,$base", 0, $_ eq 'people' ? 1 : 2, objectClass => 'organizationalUnit', ou => $_) for qw(people groups);
}

sub user {
    my ($i) = @_;
    my ($given, $surname) = ($given[$i % @given], $surnames[$i / @given % @surnames]);
    my @in = groups_of_next_user();
    $members[$_] .= pack 'V', $i for grep { $_ } @in;
    my $uid = sprintf 'u%07d', $i;
    entry(
        user_dn($i), 1, $i,
        objectClass => 'inetOrgPerson', uid => $uid, cn => "$given $surname $i", sn => $surname, givenName => $given,
        mail => "$uid\@example.org", employeeNumber => 100000 + $i, departmentNumber => sprintf('D%03d', $i % 250),
        title => $titles[$i % @titles], telephoneNumber => sprintf('+49 30 %08d', $i), l => $cities[$i % @cities],
        map { (memberOf => group_dn($_)) } @in
    );
}

sub group {
    my ($g) = @_;
    my @members = map { user_dn($_) } $g ? unpack('V*', $members[$g]) : 0 .. $users - 1;
    push @members, map { group_dn($_) } @{ $children[$g] };
    push @members, user_dn($g % $users) unless @members;    # groupOfNames must have one
    entry(
        group_dn($g), 2, $g,
        objectClass => 'groupOfNames', cn => group_name($g), description => "Group number $g",
        businessCategory => ('sales', 'research', 'support', 'finance')[$g % 4], ou => sprintf('T%04d', $g % 2000),
        (map { (member => $_) } @members), map { (memberOf => group_dn($_)) } @{ $parents[$g] }
    );
}

sub entry {
    my ($dn, $kind, $number, @attributes) = @_;
    our $written;
    $written++;
    my @lines = ("dn: $dn");
    while (my ($name, $value) = splice @attributes, 0, 2) { push @lines, "$name: $value" }
    print join("\n", @lines), "\n",
        sprintf("entryUUID: %08x-0000-4000-8000-%012x\n", $kind, $number),
        sprintf("entryCSN: 20250101%06d.%06dZ#000000#000#000000\n", 0, $written % 1_000_000),
        "creatorsName: cn=admin,$base\nmodifiersName: cn=admin,$base\n",
        "createTimestamp: 20250101000000Z\nmodifyTimestamp: 20250101000000Z\n\n";
}
