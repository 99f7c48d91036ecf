/**
 * A program of Perl for a VM of Debian, whose essential packages have it: moves the private memory of every process to a swap file, its first argument, unless
 * that is less than the second or more than the third, bytes. It says "aside" as soon as there is anything that the file holds.
 *
 * Linux writes such pages and keeps them in memory until somebody needs the room. So what was written is mapped again, by reading it, and let go of once more:
 * then it is there twice, and its memory is free. Of the file more than half stays free, since a page that is read of a fuller one loses its place in it.
 */
export const SET_ASIDE_PROGRAM = String.raw`
use strict;
use warnings;
no warnings 'portable';
$| = 1;
my ($path, $least, $most) = @ARGV;
my $PAGE = 4096;
my %CALL = (close => 3, fsync => 74, swapon => 167, fallocate => 285, pidfd_open => 434, process_madvise => 440);
my $MADV_PAGEOUT = 21;
my $SWAPPED = 1 << 62;

# What a process has mapped for itself: from, to, kilobytes without a file, kilobytes that are swapped.
sub areas {
  my ($pid) = @_;
  my @areas;
  local $_;
  open(my $smaps, '<', "/proc/$pid/smaps") or return;
  while (<$smaps>) {
    if (/^([0-9a-f]+)-([0-9a-f]+) (\S+)/) { push @areas, [hex $1, hex $2, 0, 0, $3 =~ /p$/] }
    elsif (/^Anonymous: +(\d+)/) { $areas[-1][2] = $1 }
    elsif (/^Swap: +(\d+)/) { $areas[-1][3] = $1 }
  }
  return grep { $_->[4] } @areas;
}

sub tell_kernel {
  my ($what, $value) = @_;
  open(my $file, '>', "/proc/sys/vm/$what") or return;
  print $file $value;
  close $file;
}

sub kernel_says {
  my ($what) = @_;
  open(my $file, '<', '/proc/meminfo') or return 0;
  return (map { /^$what: +(\d+)/ } <$file>)[0] // 0;
}

# All but the first program, this one and the shell above it.
my @pids = grep { $_ != 1 && $_ != $$ && $_ != getppid } map { m{(\d+)} } glob '/proc/[0-9]*';

sub let_go {
  for my $pid (@pids) {
    my $handle = syscall($CALL{pidfd_open}, $pid, 0);
    next if $handle < 0;
    for (areas($pid)) {
      my $area = pack 'Q Q', $_->[0], $_->[1] - $_->[0];
      syscall($CALL{process_madvise}, $handle, $area, 1, $MADV_PAGEOUT, 0);
    }
    syscall($CALL{close}, $handle);
  }
}

# Maps what is swapped of a process.
sub map_again {
  my ($pid) = @_;
  open(my $map, '<:raw', "/proc/$pid/pagemap") or return;
  open(my $memory, '<:raw', "/proc/$pid/mem") or return;
  for (areas($pid)) {
    my ($from, $to, undef, $swapped) = @$_;
    next if $swapped == 0;
    for (my $at = $from; $at < $to; $at += 512 * $PAGE) {
      my $count = ($to - $at) / $PAGE;
      sysseek($map, $at / $PAGE * 8, 0);
      sysread($map, my $entries, ($count < 512 ? $count : 512) * 8);
      my @entries = unpack 'Q*', $entries // '';
      for (my $index = 0; $index < @entries; $index++) {
        next if !($entries[$index] & $SWAPPED);
        my $first = $index;
        $index++ while $index + 1 < @entries && $entries[$index + 1] & $SWAPPED;
        sysseek($memory, $at + $first * $PAGE, 0);
        sysread($memory, my $bytes, ($index - $first + 1) * $PAGE);
      }
    }
  }
}

exit if -e $path || kernel_says('SwapTotal') > 0;
my $kilobytes = 0;
for my $pid (@pids) { $kilobytes += $_->[2] for areas($pid) }
my $pages = int($kilobytes * 1024 * 2.25 / $PAGE) + 64;
exit if $kilobytes * 1024 < $least || $kilobytes * 1024 > $most;

open(my $swap, '+>', $path) or die "$path: $!\n";
chmod 0600, $path;
if (syscall($CALL{fallocate}, fileno $swap, 0, 0, $pages * $PAGE) != 0) {
  unlink $path;
  die "$path: $!\n";
}
syswrite($swap, pack('x1024 L L L x3050 a10', 1, $pages - 1, 0, 'SWAPSPACE2')) == $PAGE or die "$path: $!\n";
syscall($CALL{fsync}, fileno $swap);
close $swap;
syscall($CALL{swapon}, $path, 0) == 0 or die "swapon: $!\n";
print "aside\n";
# What comes back is what is asked for, and not its neighbours; nothing else goes there unless there is no other room.
tell_kernel('page-cluster', 0);
tell_kernel('swappiness', 0);
let_go();
for (1 .. 500) {
  last if kernel_says('Writeback') == 0;
  select(undef, undef, undef, 0.02);
}
map_again($_) for @pids;
let_go();
`;
