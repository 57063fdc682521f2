#!/usr/bin/env bash
# licences.sh: every dependency has a licence that deny.toml allows. Needs cargo and perl only, takes a second;
# `make deny` asks cargo-deny, which knows more and takes minutes to build.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$repository"

# Name, version and licence expression of each package that the build can use, one a line.
dependencies() {
    cargo tree --quiet --workspace --locked --edges normal,build,dev --prefix none --no-dedupe --format '{p}|{l}' |
        sed -E 's/ \(.*\)\|/|/' | sort -u
}

# An expression holds when the terms it needs are allowed: OR needs one side, AND both, a slash is an old OR.
check() {
    perl -e '
        use strict; use warnings;
        open my $deny, "<", "deny.toml" or die "deny.toml: $!";
        my $text = do { local $/; <$deny> };
        my ($list) = $text =~ /^allow = \[(.*?)^\]/ms or die "deny.toml has no list of allowed licences\n";
        my %allowed = map { $_ => 1 } $list =~ /"([^"]+)"/g;
        my ($checked, $refused) = (0, 0);
        while (my $line = <STDIN>) {
            chomp $line;
            next unless length $line;
            my ($package, $licence) = split /\|/, $line, 2;
            $checked++;
            next if holds($licence // "");
            print STDERR "$package: licence \"$licence\" is not allowed by deny.toml\n";
            $refused++;
        }
        die "no dependencies found\n" unless $checked;
        print "$checked packages, every licence is allowed\n" unless $refused;
        exit($refused ? 1 : 0);

        sub holds {
            my ($expression) = @_;
            $expression =~ s{\s*/\s*}{ OR }g;
            1 while $expression =~ s/\(([^()]*)\)/ sides($1) ? "true" : "false" /e;
            return sides($expression);
        }
        sub sides {
            my ($expression) = @_;
            for my $side (split /\s+OR\s+/, $expression) {
                my @terms = map { s/^\s+|\s+$//gr } split /\s+AND\s+/, $side;
                return 1 if @terms && !grep { $_ ne "true" && !$allowed{$_} } @terms;
            }
            return 0;
        }
    '
}

dependencies | check
