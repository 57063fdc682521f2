#!/usr/bin/env perl
# answers.pl PORT_FILE: an HTTP server that knows everybody's groups and attributes, and takes every POST.
# Processes that accept from one socket; connections stay open.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

my ($port_file) = @ARGV;
my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, ReuseAddr => 1) or die "answers.pl: $!\n";
open my $file, '>', "$port_file.new" or die "answers.pl: $port_file: $!\n";
print $file $socket->sockport;
close $file;
rename "$port_file.new", $port_file or die "answers.pl: $port_file: $!\n";

my @children;
for (1 .. 16) {
    my $child = fork // die "answers.pl: fork: $!\n";
    if ($child == 0) { serve() while 1 }
    push @children, $child;
}
$SIG{TERM} = sub { kill TERM => @children; exit };
1 while wait > 0;

sub serve {
    my $client = $socket->accept or return;
    setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
    local $/ = "\r\n";
    while (defined(my $first = <$client>)) {
        my $length = 0;
        while (defined(my $line = <$client>) ) {
            last if $line eq "\r\n";
            $length = $1 if $line =~ /^content-length:\s*(\d+)/i;
        }
        read $client, my $body, $length if $length;
        my $answer = $first =~ /^POST/ ? "HTTP/1.1 204 No Content\r\n\r\n" : known($first);
        print $client $answer or last;
        $client->flush;
    }
    close $client;
}

sub known {
    my ($n) = $_[0] =~ /userid=u0*(\d+)/;
    my $body = sprintf '{"groups":[{"name":"team %d"}],"authorizations":{"region":["r%d","r%d"],"level":["l%d"]}}', map { ($n // 0) % $_ } 50, 7, 11, 5;
    return sprintf "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length $body, $body;
}
