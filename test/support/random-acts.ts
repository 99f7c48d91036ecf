/**
 * What a device provisions by each mechanism, each time another thing, and the device itself, which may leave or vanish.
 */
import { createHash } from 'node:crypto';
import {
  type CloudletClient,
  contentOf,
  createClient,
  cutIntoParts,
  type DeployNews,
  type HeldParts,
} from '../../guest-sdk/client/index.ts';
import {
  type Deployment,
  type DeploymentEvent,
  type DeploymentRequestInput,
  digestOfHex,
  parseEntryManifest,
  writePackage,
} from '../../guest-sdk/protocol/index.ts';
import { overlayOf } from '../../runtime/provision/overlay/create/overlay-of.ts';
import { type OverlayFile, openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import type { VmImage } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import { guestBytes } from './cloudlet-lab.ts';
import type { HostLab } from './host-lab.ts';
import type { SeededRandom } from './random.ts';
import { answering, type SavedVms } from './saved-vms.ts';

const WWW = 'mkdir -p /srv/www && cd /srv/www && echo hello > index.html';
const SPEC = { run: 'exec httpd -f -p 127.0.0.1:8080 -h /srv/www', port: 8080 };
const MIB = 2 ** 20;
/** A manifest's length is in a file of an overlay at this place. */
const LENGTH_AT = 16;

/** The five ways to provision. */
export const MECHANISMS = ['push', 'cached', 'store', 'on-demand', 'synthesis'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** One thing that is provisioned, by whoever asks for it. */
export interface Act {
  readonly kind: 'function' | 'service';
  readonly name: string;
  readonly provision: (device: Device) => Promise<Deployment>;
}

/** Who asks for something, and what he hears. */
export class Device {
  readonly client: CloudletClient;
  readonly heard: DeploymentEvent[] = [];
  readonly leave = new AbortController();
  id: string | null = null;
  sent = 0;
  #isGone = false;

  constructor({ url, token }: HostLab) {
    this.client = createClient({ url, token });
  }

  /** It says and hears nothing from now on, and nobody is told. */
  vanish(): void {
    this.#isGone = true;
  }

  /** What it would send, as long as it is there. */
  held({ read, ...held }: HeldParts): HeldParts {
    return { ...held, read: async (digest) => (this.#isGone ? new Promise(() => undefined) : read(digest)) };
  }

  async deploy(request: DeploymentRequestInput, held?: HeldParts): Promise<Deployment> {
    const news = this.client.deploy(request, {
      ...(held === undefined ? {} : { held: this.held(held) }),
      signal: this.leave.signal,
    });
    for await (const each of news) {
      if (this.#isGone) await new Promise(() => undefined);
      this.#hear(each);
      if (each.kind === 'ended') return each.deployment;
    }
    throw new Error('a deployment ended without its end');
  }

  #hear(news: DeployNews): void {
    if (news.kind === 'accepted') this.id = news.deployment.id;
    if (news.kind === 'event') this.heard.push(news.event);
    if (news.kind === 'ended') this.sent = news.sentBytes;
  }
}

/** Things to provision: a server, as saved VM, overlay, recipe and store entry, and a package. */
export class Acts {
  readonly #random: SeededRandom;
  readonly #saved: SavedVms;
  readonly #service: VmImage;
  readonly #overlay: OverlayFile;
  #made = 0;

  private constructor(random: SeededRandom, saved: SavedVms, service: VmImage, overlay: OverlayFile) {
    this.#random = random;
    this.#saved = saved;
    this.#service = service;
    this.#overlay = overlay;
  }

  static async open(random: SeededRandom, saved: SavedVms): Promise<Acts> {
    const service = await saved.service(`${WWW} && dd if=/dev/urandom of=data bs=1M count=2 2>/dev/null && sync`, SPEC);
    const path = `${saved.folder}/overlay`;
    await overlayOf({
      ...{ image: service, images: saved.store, about: 'a web server', path, level: 3 },
      ...{ accelerator: saved.shape.accelerator, restore: restoreVm, probe: answering },
      signal: new AbortController().signal,
    });
    return new Acts(random, saved, service, await openOverlayFile(path));
  }

  async close(): Promise<void> {
    await this.#overlay.close();
  }

  /** Something new by a mechanism. */
  async next(mechanism: Mechanism): Promise<Act> {
    this.#made += 1;
    const name = `${mechanism}-${this.#made}`;
    switch (mechanism) {
      case 'push': {
        const bytes = await packed(this.#random);
        const { digest } = bytes;
        const held = await cutIntoParts(contentOf(bytes.content));
        const want = { function: name, digest, parts: [...held.parts] };
        return { kind: 'function', name, provision: (device) => device.deploy({ want }, held) };
      }
      case 'cached': {
        const want = { service: name, image: this.#service.digest };
        return { kind: 'service', name, provision: (device) => device.deploy({ want }) };
      }
      case 'on-demand': {
        const { digest: base } = this.#saved.base;
        const recipe = { base, script: `${WWW}\necho ${name} > name`, service: SPEC };
        return {
          ...{ kind: 'service', name },
          provision: (device) => device.deploy({ want: { service: name, recipe } }),
        };
      }
      case 'synthesis': {
        const { manifest, held } = this.#renamed(name);
        const want = { service: name, overlay: manifest };
        return { kind: 'service', name, provision: (device) => device.deploy({ want }, held) };
      }
      case 'store':
        return { kind: 'service', name, provision: await this.#entry(name) };
      default:
        throw mechanism satisfies never;
    }
  }

  /** The overlay as another one, of the same segments. */
  #renamed(about: string): { readonly manifest: Record<string, unknown>; readonly held: HeldParts } {
    const manifest = { ...(JSON.parse(this.#overlay.text) as Record<string, unknown>), about };
    const parts = this.#overlay.overlay.manifest.segments.map(({ digest, bytes }) => ({ digest, bytes }));
    return { manifest, held: { parts, read: (digest) => this.#overlay.get(digest), isPacked: true } };
  }

  /** What puts an entry with an overlay into the store, and has its server provisioned. */
  async #entry(name: string): Promise<Act['provision']> {
    const { manifest, held } = this.#renamed(name);
    const text = Buffer.from(JSON.stringify(manifest));
    const head = Buffer.alloc(LENGTH_AT + 4);
    head.write('cloudlet-overlay', 'latin1');
    head.writeUInt32LE(text.length, LENGTH_AT);
    const segments = await Promise.all(held.parts.map(({ digest }) => held.read(digest)));
    const file = new Uint8Array(Buffer.concat([head, text, ...segments]));
    const digest = digestOfHex(createHash('sha256').update(file).digest('hex'));
    const entry = parseEntryManifest({
      ...{ format: 1, kind: 'service', name, version: '1', title: name, service: name, from: { overlay: 'a.overlay' } },
      files: [{ name: 'a.overlay', digest, bytes: file.length, mediaType: 'application/octet-stream' }],
    });
    return async (device) => {
      const { signal } = device.leave;
      await device.client.store.put(entry, { open: () => file, signal });
      return await device.deploy({ want: { store: name } });
    };
  }
}

async function packed(random: SeededRandom) {
  const { digest, pieces } = await writePackage({
    component: await guestBytes('typed'),
    grant: { files: [{ path: '/model', from: 'model' }] },
    files: [['model/weights', random.bytes(2 * MIB)]],
  });
  return { digest, content: new Uint8Array(Buffer.concat(pieces)) };
}
