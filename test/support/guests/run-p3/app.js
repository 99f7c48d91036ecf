import environment from 'wasi:cli/environment@0.3.0';
import exit from 'wasi:cli/exit@0.3.0';
import stderr from 'wasi:cli/stderr@0.3.0';
import stdin from 'wasi:cli/stdin@0.3.0';
import stdout from 'wasi:cli/stdout@0.3.0';

let runs = 0;

const utf8 = (text) => Uint8Array.from([...text].map((letter) => letter.charCodeAt(0)));

async function write(output, ...chunks) {
  const stream = wit.Stream(wit.Stream.U8);
  const written = output.writeViaStream(stream.readable);
  for (const chunk of chunks) await stream.writable.writeAll(chunk);
  stream.writable.drop();
  return written;
}

export const run = {
  async run() {
    runs += 1;
    const [, what, ...rest] = environment.getArguments();
    if (what === 'cat') {
      const [input] = stdin.readViaStream();
      for await (const chunk of input) await write(stdout, chunk);
      return;
    }
    if (what === 'runs') await write(stdout, utf8(String(runs)));
    if (what === 'say') await write(stderr, utf8(`${rest.join(' ')}\n`));
    if (what === 'exit') exit.exitWithCode(Number(rest[0]));
    if (what === 'err') throw undefined;
  },
};
