#!/usr/bin/env perl
# events.pl URL USERS CLIENTS RATE SECONDS NAME: sends events for so many seconds, RATE a second (0 = as fast as it goes).
# PUSH_KEY: the key. Prints events a second, and median, 99th percentile and longest of the seconds from the moment at which
# an event was due (with RATE 0: was sent) until it was acknowledged, which is when it is effective.
use strict;
use warnings;
use HTTP::Tiny;
use Time::HiRes qw(time sleep);

my ($url, $users, $clients, $rate, $seconds, $name) = @ARGV;
my $begun = time + 0.2;
my @pipes;
for my $client (0 .. $clients - 1) {
    pipe my $out, my $in or die "events.pl: pipe: $!\n";
    my $child = fork // die "events.pl: fork: $!\n";
    if ($child == 0) {
        close $out;
        print $in "$_\n" for client($client);
        close $in;
        exit;
    }
    close $in;
    push @pipes, $out;
}
my @times;
for my $pipe (@pipes) { push @times, map { chomp; $_ } <$pipe> }
1 while wait > 0;
@times or die "events.pl: nothing was acknowledged\n";
@times = sort { $a <=> $b } @times;
printf "%.1f %.5f %.5f %.5f\n", @times / $seconds, map { $times[int($#times * $_)] } 0.5, 0.99, 1;

sub client {
    my ($client) = @_;
    my $http = HTTP::Tiny->new(keep_alive => 1, timeout => 30);
    my @took;
    sleep $begun - time if time < $begun;
    for (my $n = $client; ; $n += $clients) {
        my $due = $rate ? $begun + $n / $rate : time;
        last if $due >= $begun + $seconds;
        sleep $due - time if time < $due;
        my $user = sprintf 'u%07d', ($n * 37 + 1) % $users;
        my $event = qq({"specversion":"1.0","id":"$name/$n","source":"/bench","type":"roster.user.attributes.set","subject":"$user","data":{"attributes":{"pushed":["$n"]}}});
        my $answer = $http->post("$url/v1/events",
            { headers => { authorization => "Bearer $ENV{PUSH_KEY}", 'content-type' => 'application/cloudevents+json' }, content => $event });
        die "events.pl: $answer->{status} $answer->{content}\n" unless $answer->{status} == 200 && $answer->{content} =~ /"applied"/;
        push @took, time - $due;
    }
    return @took;
}
