# SPDX-License-Identifier: BSD-3-Clause
# A program to be recorded: counts words of texts, and builds strings, lists and hashes of them as it goes.
use strict;
use warnings;

my (%count, @kept);
while (my $line = <>) {
    chomp $line;
    $count{lc $_}++ for grep { length } split /\W+/, $line;
    push @kept, $line if $. % 7 == 0;
}
my @frequent = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 19];
print join("\n", map { "$_ $count{$_}" } @frequent), "\n";
my $text = join "\n", map { s/(\w+)/\u$1/gr } @kept;
print length $text, "\n";
