/**
 * The native programs among the examples, in both of their forms, in one cloudlet with a base VM of Debian.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, readRecipeFile } from '../../guest-sdk/build/index.ts';
import { packBuilt } from '../../guest-sdk/build/pack.ts';
import {
  type Deployment,
  type DeploymentRequestInput,
  type Digest,
  parseDeploymentRequest,
  parseName,
} from '../../guest-sdk/protocol/index.ts';
import { ensureBaseVmApart } from '../../runtime/vm/base/index.ts';
import { bodyOf, type CloudletLab, openLab } from './cloudlet-lab.ts';
import { TEST_CACHE } from './microvm-lab.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

/** What became of a deployment: the way that was taken, what it did, and its end. */
export interface Deployed {
  readonly rung: string;
  readonly stages: readonly string[];
  readonly end: Deployment;
}

export class ApplicationLab {
  readonly lab: CloudletLab;
  readonly cacheDir: string;

  private constructor(lab: CloudletLab, cacheDir: string) {
    this.lab = lab;
    this.cacheDir = cacheDir;
  }

  /** Builds a base VM and opens a cloudlet. */
  static async open(folder: string): Promise<ApplicationLab> {
    const cacheDir = join(folder, 'cache');
    await ensureBaseVmApart({ cacheDir });
    return new ApplicationLab(await openLab({ cacheDir }), cacheDir);
  }

  get cloudlet() {
    return this.lab.cloudlet;
  }

  /** A file of an example. */
  static file(application: string, name: string): Promise<Buffer> {
    return readFile(join(EXAMPLES, application, name));
  }

  /** Builds the component of an example as its README says, publishes it, and runs it with an input. */
  async runComponent(application: string, input: Uint8Array, args: readonly string[]): Promise<Uint8Array> {
    const folder = join(EXAMPLES, application);
    const { component } = await build(folder, { cache: TEST_CACHE });
    const packed = await packBuilt(folder, component);
    const name = parseName(application);
    await this.cloudlet.publish(name, bodyOf(Buffer.concat(packed!.pieces)));
    const ran = await this.cloudlet.invoke(name, { door: 'run', arguments: [...args] }, bodyOf(input));
    const pieces: Uint8Array[] = [];
    for await (const bytes of ran.output) pieces.push(bytes);
    return Buffer.concat(pieces);
  }

  /** Has the server of an example made of its recipe. */
  async deployRecipe(application: string): Promise<Deployed> {
    const { name, recipe } = await readRecipeFile(join(EXAMPLES, application, 'recipe.json'));
    return this.deploy({ service: name, recipe: { ...recipe } });
  }

  /** Deploys, sending parts as they are asked for, and gives what was done. */
  async deploy(
    want: DeploymentRequestInput['want'],
    read: (digest: Digest) => Promise<Uint8Array> = () => Promise.reject(new Error('no part was announced')),
  ): Promise<Deployed> {
    const signal = AbortSignal.timeout(30 * 60_000);
    const { deployments } = this.cloudlet;
    const { deployment } = await deployments.ask(parseDeploymentRequest({ want }));
    const { id, rung } = deployment;
    const feed = async (): Promise<void> => {
      for (let next = deployments.wanted(id).wanted; next.length > 0; ) {
        next = (await deployments.part(id, next[0]!, bodyOf(await read(next[0]!)), signal)).wanted;
      }
    };
    const fed = feed();
    fed.catch(() => undefined); // The deployment says how it ended.
    const stages: string[] = [];
    let end = deployment;
    for await (const event of deployments.events(id, 0, signal)) {
      if (event.event !== 'state') continue;
      end = event.data;
      if (stages.at(-1) !== end.stage) stages.push(end.stage);
    }
    if (end.stage !== 'ready') throw new Error(`${end.problem?.code}: ${end.problem?.detail}`);
    return { rung, stages, end };
  }

  /** Posts an input to the server of a service. */
  async post(service: string, path: string, input: Uint8Array): Promise<{ status: number; body: Uint8Array }> {
    const request = { method: 'POST', path, headers: [], body: bodyOf(input), contentLength: input.length };
    const answer = await this.cloudlet.services.request(parseName(service), request, { user: 'test' });
    const pieces: Uint8Array[] = [];
    for await (const bytes of answer.body) pieces.push(bytes);
    return { status: answer.status, body: Buffer.concat(pieces) };
  }

  close(): Promise<void> {
    return this.lab.close();
  }
}
