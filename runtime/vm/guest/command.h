/*
 * Commands: `/bin/sh -c` in a session of its own, as root. One that is detached is a server: it outlives the host that started it, since
 * a clone has it and another host.
 */

enum { MAX_WORDS = 256, FIONREAD = 0x541b };

/* What every command is given, unless it was given another. Names end at '='. */
static const char *const ENVIRONMENT[] = {
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "LC_ALL=C.UTF-8",
  "DEBIAN_FRONTEND=noninteractive", "http_proxy=http://127.0.0.1:3128", "https_proxy=http://127.0.0.1:3128",
  "HTTP_PROXY=http://127.0.0.1:3128", "HTTPS_PROXY=http://127.0.0.1:3128", "no_proxy=localhost,127.0.0.1",
};
enum { VARIABLES = sizeof ENVIRONMENT / sizeof *ENVIRONMENT };

static int is_same_variable(const char *a, const char *b) {
  while (*a != '=' && *a == *b) a++, b++;
  return *a == '=' && *b == '=';
}

/* In the child. `words` are the command and what of the environment came with it. */
static void become_command(const char **words, int count, int input, int output) {
  static const char *environment[MAX_WORDS + VARIABLES + 1];
  const char *arguments[] = {"sh", "-c", words[0], 0};
  const unsigned long none = 0;
  int variables = 0;
  for (int at = 1; at < count; at++) environment[variables++] = words[at];
  for (int at = 0; at < VARIABLES; at++) {
    int given = 0;
    for (int other = 1; other < count; other++) given |= is_same_variable(ENVIRONMENT[at], words[other]);
    if (!given) environment[variables++] = ENVIRONMENT[at];
  }
  call0(setsid_);
  call2(dup2_, input, 0), call2(dup2_, output, 1), call2(dup2_, output, 2);
  call4(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
  if (call1(chdir_, "/root") < 0) call1(chdir_, "/");
  call3(execve_, "/bin/sh", arguments, environment);
  say("relay: /bin/sh cannot be run\n");
  call1(exit_, 127);
}

/* Runs what a frame says: whether it is detached, the command, and its variables, each ended by 0. */
static void run_command(unsigned place, unsigned id, const byte *payload, unsigned length) {
  struct stream *stream = begin_stream(place, id, COMMAND);
  const char *words[MAX_WORDS];
  int count = 0, input[2] = {-1, -1}, output[2] = {-1, -1};
  if (length < 2 || payload[length - 1] != 0) must("reading a command", -EPROTO);
  for (const byte *at = payload + 1; at < payload + length; at += length_of((const char *)at) + 1) {
    if (count == MAX_WORDS) return fail_stream(stream, SAY_REFUSED, E2BIG);
    words[count++] = (const char *)at;
  }
  stream->detached = payload[0];
  long result;
  if (stream->detached) {
    input[0] = result = call3(open_, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
    if (result >= 0) output[1] = result = call3(open_, "/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC, 0);
  } else {
    result = call2(pipe2_, input, O_CLOEXEC);
    if (result >= 0) result = call2(pipe2_, output, O_CLOEXEC);
  }
  if (result >= 0) result = call0(fork_);
  if (result == 0) become_command(words, count, input[0], output[1]);
  if (input[0] >= 0) call1(close_, input[0]);
  if (output[1] >= 0) call1(close_, output[1]);
  stream->input = output[0], stream->output = input[1];
  if (result < 0) return fail_stream(stream, SAY_REFUSED, -result);
  stream->process = result;
  /* Only these ends must not wait: a program takes its stdin and stdout for files that do. */
  if (stream->input >= 0) call3(fcntl_, stream->input, F_SETFL, O_NONBLOCK), watch_stream(stream, stream->input, EPOLLIN);
  if (stream->output >= 0) call3(fcntl_, stream->output, F_SETFL, O_NONBLOCK), watch_stream(stream, stream->output, EPOLLOUT);
}

/* Waits for all that have ended: commands, and what nobody else waits for. */
static void reap(void) {
  int status = 0;
  for (long process; (process = call4(wait4_, -1, &status, 1, 0)) > 0;) {
    for (struct stream *stream = streams; stream < streams + used; stream++) {
      if (stream->state != COMMAND || stream->process != process) continue;
      int left = 0;
      /* What it has written, and no more: something that it left behind may go on writing for ever. */
      if (stream->input >= 0 && call3(ioctl_, stream->input, FIONREAD, &left) < 0) left = 0;
      stream->process = 0, stream->exited = 1, stream->left = left, stream->readable = 1;
      stream->status = (status & 127) == 0 ? status >> 8 & 255 : 128 + (status & 127);
    }
  }
}
