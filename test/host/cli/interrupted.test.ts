// end to end
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { guest } from '../../support/guest.ts';
import { SeededRandom } from '../../support/random.ts';
import { CliLab } from './cli-lab.ts';

const interrupted = suite('Ctrl-C in the middle');
const DATA_BYTES = 6_000_000;
/** What a link lets through before it hangs. */
const HANGS_AFTER_BYTES = 3_000_000;

let lab: CliLab;
let link: HangingLink;
let token: string;

interrupted.before(async () => {
  lab = await CliLab.open();
  await lab.serve();
  await mkdir(join(lab.folder, 'reader', 'assets'), { recursive: true });
  await copyFile(await guest('cat'), join(lab.folder, 'reader', 'cat.wasm'));
  const project = { name: 'reader', component: 'cat.wasm', files: [{ path: '/data', from: 'assets' }] };
  await writeFile(join(lab.folder, 'reader', 'cloudlet.json'), JSON.stringify(project));
  token = (await readFile(join(lab.folder, 'data', 'owner-token'), 'utf8')).trim();
  link = await HangingLink.open(new URL(lab.environment['CLOUDLET_URL']!));
});
interrupted.after(async () => {
  await link.close();
  await lab.close();
});

/** A link that carries so many bytes of what is sent, and then none, until it is mended. */
class HangingLink {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #left = 0;
  #hung: () => void = () => {};

  private constructor(to: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(to.port), to.hostname);
      for (const socket of [near, far]) {
        this.#open.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          near.destroy();
          far.destroy();
        });
      }
      far.pipe(near);
      near.on('data', (bytes: Buffer) => {
        this.#left -= bytes.length;
        if (this.#left >= 0) far.write(bytes);
        else this.#hung();
      });
      near.on('end', () => far.end());
    });
  }

  static async open(to: URL): Promise<HangingLink> {
    const link = new HangingLink(to);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when it hangs. */
  carry(bytes: number): Promise<void> {
    this.#left = bytes;
    return new Promise((resolve) => {
      this.#hung = resolve;
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

for (const [name, words, resent] of [
  ['publish', ['publish', 'reader', '--name', 'publish'], 0.8],
  ['deploy', ['deploy', 'reader', '--name', 'deploy'], 0.8],
  // A blob of a registry goes whole, in one request.
  ['push', ['pack', 'reader', '--push', 'oci://LINK/push:latest', '--insecure'], 1.1],
] as const)
  interrupted(`of ${name} exits with 130, registers nothing, and the same again goes on`, async () => {
    await writeFile(
      join(lab.folder, 'reader', 'assets', 'a'),
      new SeededRandom(words.length + name.length).bytes(DATA_BYTES),
    );
    const through = { CLOUDLET_URL: `http://${link.host}`, CLOUDLET_REGISTRY_AUTH: `owner:${token}` };
    const named = words.map((word) => word.replace('LINK', link.host));
    const hung = link.carry(HANGS_AFTER_BYTES);
    const running = lab.start(named, through);
    await hung;
    running.child.kill('SIGINT');
    const { status, text, errors } = await running.ended;
    assert.equal([status, text], [130, ''], errors);
    assert.not.match(errors, /\n\s+at /, 'no stack');
    // What is deployed serves before its data is there; over a link that hangs the host cannot hear that it is given up, and waits for its device.
    const left = name === 'deploy' ? 0 : 1;
    assert.is((await lab.run(['inspect', name])).status, left, 'nothing of the name is there, unless it serves');
    assert.not.ok((await readdir(lab.folder)).some((file) => file.endsWith('.partial')));
    link.carry(Number.POSITIVE_INFINITY);
    const again = await lab.run([...named, '--json'], { environment: through });
    assert.is(again.status, 0, again.errors);
    const { sentBytes } = JSON.parse(again.text) as { sentBytes: number };
    assert.ok(sentBytes < resent * DATA_BYTES, `${sentBytes} bytes went again`);
    assert.is((await lab.run(['inspect', name])).status, 0);
  });

interrupted.run();
