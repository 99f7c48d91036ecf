/** What a process has mapped for itself: from, to, kilobytes without a file, kilobytes that are swapped. */
const AREAS = String.raw`
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

# Gives Linux an advice on what a process has mapped, some at a time: it takes less than 2 GiB at once.
sub advise {
  my ($pid, $advice, $most, @areas) = @_;
  my $handle = syscall(434, $pid, 0); # pidfd_open
  return if $handle < 0;
  for (@areas) {
    for (my $at = $_->[0]; $at < $_->[1]; $at += $most) {
      my $area = pack 'Q Q', $at, $_->[1] - $at < $most ? $_->[1] - $at : $most;
      syscall(440, $handle, $area, 1, $advice, 0); # process_madvise
    }
  }
  syscall(3, $handle); # close
}

# All processes but the first, this one and the shell above it.
sub others {
  return grep { $_ != 1 && $_ != $$ && $_ != getppid } map { m{(\d+)} } glob '/proc/[0-9]*';
}
`;

/**
 * A program that brings back what was set aside, once its VM is a clone: a template is in the year 2000. It lets the first answer be given before. In rows of a
 * megabyte they are some hundred requests to the disk; left to page faults, whose neighbours are guessed, speech recognition's were 8,000.
 */
export const BRING_BACK_PROGRAM = String.raw`use strict;
no warnings;
$| = 1;
print "ready\n";
close STDOUT;
select(undef, undef, undef, 0.25) while time < 1e9;
select(undef, undef, undef, 1);
${AREAS}
advise($_, 3, 1 << 20, grep { $_->[3] > 0 } areas($_)) for others(); # MADV_WILLNEED
`;

/**
 * A program of Perl for a VM of Debian, whose essential packages have it: moves the private memory of every process to a swap file, its first argument, unless
 * that is less than the second or the file would take more than the third, bytes. It says "aside" as soon as there is anything that the file holds. The fourth is the program that
 * brings it back, which it leaves behind.
 *
 * Linux writes such pages and keeps them in memory until somebody needs the room. So what was written is mapped again, by reading it, and let go of once more:
 * then it is there twice, and its memory is free. Of the file more than half stays free, since a page that is read of a fuller one loses its place in it.
 */
export const SET_ASIDE_PROGRAM = String.raw`
use strict;
use warnings;
no warnings 'portable';
$| = 1;
my ($path, $least, $most, $bring_back) = @ARGV;
my $PAGE = 4096;
my %CALL = (fsync => 74, setsid => 112, swapon => 167, fallocate => 285);
my $SWAPPED = 1 << 62;

${AREAS}
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

my @pids = others();

sub let_go {
  advise($_, 21, 1 << 30, areas($_)) for @pids; # MADV_PAGEOUT
}

# Starts what brings it back, as a process of its own, and waits until it waits.
sub leave_behind {
  pipe(my $heard, my $say) or die "pipe: $!\n";
  my $process = fork // die "fork: $!\n";
  if (!$process) {
    syscall($CALL{setsid});
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>&', $say);
    open(STDERR, '>', '/dev/null');
    exec 'perl', '-e', $bring_back;
  }
  close $say;
  <$heard>;
  push @pids, $process;
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
exit if $kilobytes * 1024 < $least || $pages * $PAGE > $most;

sub give_up {
  my $why = "$path: $!\n";
  unlink $path;
  die $why;
}

open(my $swap, '+>', $path) or give_up();
chmod 0600, $path;
syscall($CALL{fallocate}, fileno $swap, 0, 0, $pages * $PAGE) == 0 or give_up();
syswrite($swap, pack('x1024 L L L x3050 a10', 1, $pages - 1, 0, 'SWAPSPACE2')) == $PAGE or give_up();
syscall($CALL{fsync}, fileno $swap);
close $swap;
syscall($CALL{swapon}, $path, 0) == 0 or give_up();
print "aside\n";
# What comes back is what is asked for, and not its neighbours; nothing else goes there unless there is no other room.
tell_kernel('page-cluster', 0);
tell_kernel('swappiness', 0);
leave_behind();
let_go();
for (1 .. 500) {
  last if kernel_says('Writeback') == 0;
  select(undef, undef, undef, 0.02);
}
map_again($_) for @pids;
let_go();
`;
