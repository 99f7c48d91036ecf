/** The page that a person opens: what runs here, and a way to try it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Context, Hono } from 'hono';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../http/connection.ts';
import type { Engine } from '../parts.ts';
import { type Assets, readAssets } from './assets.ts';
import { entrance } from './entrance.ts';
import { type Markup, PAGE_POLICY } from './markup.ts';
import { overview } from './overview.ts';
import { storePages } from './store/store-pages.ts';

/** A real photograph that comes with the photo example. */
const SAMPLE = fileURLToPath(new URL('../../examples/photo/photo.jpg', import.meta.url));
const SAMPLE_ADDRESS = '/sample/photo.jpg';

/** What the page needs of the host. */
export interface DashboardDeps {
  readonly cloudlet: Pick<Engine, 'id' | 'status' | 'functions' | 'sandboxes' | 'recent' | 'catalogue'> & {
    readonly services: Pick<Engine['services'], 'list'>;
    readonly deployments: Pick<Engine['deployments'], 'list'>;
  };
  readonly assets?: Assets;
  /** The photograph to try with; null for none. */
  readonly sample?: Uint8Array<ArrayBuffer> | null;
  readonly now?: () => number;
  /** Addresses by which other devices reach the cloudlet, the best first; none when none can. */
  readonly addresses?: () => readonly string[];
}

/**
 * The routes of the page: `/` (an entrance for strangers, the overview for the owner), its files under `/assets`, and the sample
 * photograph. Mounted behind the gate, which lets strangers have `/`, `/pair`, `/favicon.ico`, `/store…` and `/assets/`.
 */
export function dashboard(deps: DashboardDeps): Hono<HostContext> {
  const { cloudlet, assets = readAssets(), sample = readSample(), now = Date.now, addresses = () => [] } = deps;
  const pages = new Hono<HostContext>();

  pages.get('/', async (c) => {
    const status = await cloudlet.status();
    if (!c.var.caller) return page(c, entrance(assets, status.name));
    const functions = await cloudlet.functions();
    const facts = {
      ...{
        status,
        functions,
        sandboxes: cloudlet.sandboxes(),
        services: cloudlet.services.list(),
        invocations: cloudlet.recent(),
      },
      deployments: cloudlet.deployments.list(),
      sample: sample === null ? null : SAMPLE_ADDRESS,
      now: now(),
    };
    return page(c, overview(assets, facts));
  });
  pages.get('/pair', async (c) => page(c, entrance(assets, (await cloudlet.status()).name)));
  pages.get('/favicon.ico', (c) => c.redirect(assets.address('icon.svg')));
  pages.get('/assets/:digest/:name', (c) => {
    const asset = assets.find(c.req.param('digest'), c.req.param('name'));
    if (asset === null) {
      throw new CloudletError(
        'not-found',
        'expected a file of the page as it is now; reload the page to get its present files',
      );
    }
    return c.body(asset.bytes, 200, {
      'content-type': asset.type,
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });
  pages.get(SAMPLE_ADDRESS, (c) => {
    if (sample === null)
      throw new CloudletError('not-found', 'expected a sample photograph; this installation has none');
    return c.body(sample, 200, { 'content-type': 'image/jpeg', 'cache-control': 'private, max-age=3600' });
  });
  pages.route('/', storePages({ cloudlet, assets, addresses, page }));
  return pages;
}

async function page(c: Context<HostContext>, markup: Markup): Promise<Response> {
  return c.html(await markup, 200, {
    'content-security-policy': PAGE_POLICY,
    // What the page shows depends on the session: the copy of one must not be seen by another.
    'cache-control': 'no-store',
    vary: 'cookie',
  });
}

function readSample(): Uint8Array<ArrayBuffer> | null {
  try {
    return new Uint8Array(readFileSync(SAMPLE));
  } catch {
    // An installation without the examples has no sample; the page then does not offer one.
    return null;
  }
}
