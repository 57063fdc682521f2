#!/usr/bin/env perl
# live.pl USERS TIMES CHANGES: TIMES times, gives CHANGES users another title in the directory, waits until all of them have it in the
# database, and prints how many seconds that took. Between them is a pause of a fifth of a second, so that each finds the daemon at rest.
# From the environment: LDAP_URL, PASSWORD_FILE, PSQL (the program), DATABASE.
use strict;
use warnings;
use IO::Handle;
use IPC::Open2;
use Time::HiRes qw(time sleep);

my ($users, $times, $changes) = @ARGV;
# Both are started once: what a program needs to start is not the daemon's latency.
my $psql = open2(my $answers, my $questions, $ENV{PSQL}, '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', $ENV{DATABASE});
open my $directory, '|-', 'sh', '-c',
    'exec ldapmodify -x -H "$LDAP_URL" -D cn=admin,dc=example,dc=org -y "$PASSWORD_FILE" >/dev/null'
    or die "live.pl: ldapmodify: $!\n";
$directory->autoflush;
$questions->autoflush;

for my $time (1 .. $times) {
    my $title = "Live $$ $time of $changes";
    my @people = map { sprintf 'u%07d', ($time * 37 + $_ * int($users / $changes)) % $users } 0 .. $changes - 1;
    my $began = time;
    print {$directory} join '', map { "dn: uid=$_,ou=people,dc=example,dc=org\nchangetype: modify\nreplace: title\ntitle: $title\n\n" } @people;
    print {$questions} "CALL live.wait_for('$title', ARRAY['", join("','", @people), "']);\n";
    my $seen = <$answers> // die "live.pl: no answer from the database\n";
    printf "%.4f\n", $seen - $began;
    sleep 0.2;
}
close $directory;
close $questions;
waitpid $psql, 0;
