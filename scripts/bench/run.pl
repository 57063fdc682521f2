#!/usr/bin/env perl
# run.pl COMMAND...: runs it without output and prints what it took: seconds, CPU seconds, peak resident memory in KiB.
# The kernel keeps the peak itself (VmHWM), but only as long as the process lives: it is read every 20 ms.
use strict;
use warnings;
use POSIX 'WNOHANG';
use Time::HiRes 'time';

$SIG{CHLD} = sub { };    # wakes the select below

my $began = time;
my $child = fork // die "run.pl: fork: $!\n";
if ($child == 0) {
    open STDOUT, '>', '/dev/null';
    exec @ARGV or die "run.pl: $ARGV[0]: $!\n";
}
my $peak = 0;
until (waitpid $child, WNOHANG) {
    $peak = resident_peak() // $peak;
    select undef, undef, undef, 0.02;
}
my $ended = time;
my $status = $?;
my (undef, undef, $user, $system) = times;
printf "%.4f %.4f %d\n", $ended - $began, $user + $system, $peak;
exit($status >> 8 || ($status ? 1 : 0));

sub resident_peak {
    open my $file, '<', "/proc/$child/status" or return;
    while (<$file>) { return $1 if /^VmHWM:\s+(\d+)/ }
    return;
}
