#!/usr/bin/env perl
# feed.pl URL: reads the whole feed in pages of a thousand. FEED_KEY: the key. Prints changes a second, and how many there are.
use strict;
use warnings;
use HTTP::Tiny;
use Time::HiRes 'time';

my ($url) = @ARGV;
my $http = HTTP::Tiny->new(keep_alive => 1, timeout => 60);
my ($begun, $next, $changes) = (time, 0, 0);
while (1) {
    my $answer = $http->get("$url/v1/changes?after=$next&limit=1000", { headers => { authorization => "Bearer $ENV{FEED_KEY}" } });
    die "feed.pl: $answer->{status} $answer->{content}\n" unless $answer->{status} == 200;
    my $there = () = $answer->{content} =~ /"change_id":/g;
    my ($on) = $answer->{content} =~ /"next":\s*(\d+)\s*\}\s*$/ or die "feed.pl: no next in the answer\n";
    $changes += $there;
    last if $there == 0 && $on == $next;
    $next = $on;
}
printf "%.1f %d\n", $changes / (time - $begun), $changes;
