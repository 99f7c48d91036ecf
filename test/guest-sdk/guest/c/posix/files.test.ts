// end to end
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BuiltFunction } from '../../../../support/built-function.ts';

const files = suite('files of an existing program');
let folder = '';

files.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-files-'));
});
files.after.each(() => rm(folder, { recursive: true }));

/** Builds one source by a command and gives what it writes; it has 8 MiB of scratch. */
const output = async (source: string, text: string, command: string): Promise<string> => {
  await writeFile(join(folder, source), text);
  const scratch = { path: '/tmp', bytes: 8 * 2 ** 20 };
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'x', build: { command }, scratch }));
  const made = await BuiltFunction.open(folder);
  try {
    const { status, stdout, stderr } = await made.run([]);
    assert.is(status, 0, stderr);
    return Buffer.from(stdout).toString();
  } finally {
    await made.close();
  }
};

const WHOLE = `#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { BYTES = 5 * 1024 * 1024 + 7 };
static char *all, *back;
static const char *same(size_t from, long got) { return got == (long)(BYTES - from) && memcmp(all + from, back, got) == 0 ? "whole" : "torn"; }
int main(void) {
  all = malloc(BYTES), back = malloc(BYTES + 1);
  for (int at = 0; at < BYTES; at++) all[at] = at * 31 >> 3;
  int file = open("/tmp/all", O_RDWR | O_CREAT, 0600);
  printf("write %d\\n", write(file, all, BYTES) == BYTES);
  printf("pread %s\\n", same(9, pread(file, back, BYTES, 9)));
  printf("end %d\\n", (int)read(file, back, 1));
  lseek(file, 0, SEEK_SET);
  printf("read %s\\n", same(0, read(file, back, BYTES + 1)));
  printf("folder %d\\n", (int)read(open("/tmp", O_RDONLY), back, 9));
  FILE *none = fopen("/dev/null", "r+");
  printf("null %d %d", fgetc(none), fprintf(none, "gone"));
  printf(" %d\\n", fflush(none) + fclose(none));
  return 0;
}
`;
files('are read whole by one read, however little the host gives at once, and /dev/null is there', async () => {
  assert.is(
    await output('whole.c', WHOLE, 'cc -O2 -o whole whole.c'),
    'write 1\npread whole\nend 0\nread whole\nfolder -1\nnull -1 4 0\n',
  );
});

const OLD = `#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>
#define SAY(word) "said "word
struct twice : public std::unary_function<int, int> { int operator()(int n) const { return 2 * n; } };
int main() {
  register int lines = 0;
  std::auto_ptr<std::string> last(new std::string);
  std::vector<int> numbers(1000);
  for (unsigned at = 0; at < numbers.size(); at++) numbers[at] = at;
  std::transform(numbers.begin(), numbers.end(), numbers.begin(), twice());
  char letters[] = {(char)65, (char)(64 + numbers[1]), 0};
  { std::ofstream out("/tmp/list"); for (int n : numbers) out << n << '\\n'; }
  std::ifstream in("/tmp/list");
  for (std::string line; std::getline(in, line); lines++) *last = line;
  std::fstream both("/tmp/list", std::ios::in | std::ios::out | std::ios::ate);
  std::cout << SAY("it") << ' ' << letters << ' ' << lines << ' ' << *last << ' ' << both.tellg() << ' '
            << std::ifstream("/nowhere").good() << std::ifstream("/dev/null").good() << '\\n';
}
`;
files('are streams of C++ of before 2017, as older sources have them', async () => {
  assert.is(await output('old.cc', OLD, 'c++ -O1 -o old old.cc'), 'said it AB 1000 1998 4445 01\n');
});

files.run();
