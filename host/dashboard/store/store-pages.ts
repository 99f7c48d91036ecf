import { type Context, Hono } from 'hono';
import { asCloudletError, CloudletError, parseName } from '../../../guest-sdk/protocol/index.ts';
import type { HostContext } from '../../http/connection.ts';
import type { Engine } from '../../parts.ts';
import { parseListQuery } from '../../routes/store.ts';
import type { Assets } from '../assets.ts';
import { entrance } from '../entrance.ts';
import type { Markup } from '../markup.ts';
import { deviceOf } from './device.ts';
import { type EntryFacts, entryPage } from './entry-page.ts';
import { storePage } from './store-page.ts';

/** What the pages of the store need of the host. */
export interface StorePagesDeps {
  readonly cloudlet: Pick<Engine, 'status' | 'catalogue'>;
  readonly assets: Assets;
  /** Addresses by which other devices reach the cloudlet, the best first. */
  readonly addresses: () => readonly string[];
  readonly page: (c: Context<HostContext>, markup: Markup) => Promise<Response>;
}

/** The store for people: a list, and a page for each entry whose button is a plain form. A stranger gets the entrance, whatever is asked for. */
export function storePages({ cloudlet, assets, addresses, page }: StorePagesDeps): Hono<HostContext> {
  const pages = new Hono<HostContext>();
  const show = async (c: Context<HostContext>, name: string, outcome: EntryFacts['outcome']): Promise<Response> => {
    const info = cloudlet.catalogue.entry(name);
    const { name: title } = await cloudlet.status();
    const device = deviceOf(c.req.header('user-agent'));
    const [first = null] = addresses();
    const address = first === null ? null : `${first}/store/${name}`;
    // Without a referrer a browser would call our own form's origin "null".
    c.header('referrer-policy', 'same-origin');
    return await page(c, entryPage(assets, { cloudlet: title, info, device, address, outcome }));
  };
  const stranger = async (c: Context<HostContext>): Promise<Response> =>
    await page(c, entrance(assets, (await cloudlet.status()).name));

  pages.get('/store', async (c) => {
    if (c.var.caller === null) return await stranger(c);
    const wish = parseListQuery(c);
    const { name } = await cloudlet.status();
    return await page(c, storePage(assets, { name, found: cloudlet.catalogue.list(wish), wish }));
  });
  pages.get('/store/:name', async (c) => {
    if (c.var.caller === null) return await stranger(c);
    return await show(c, parseName(c.req.param('name')), null);
  });
  pages.post('/store/:name/install', async (c) => {
    const name = parseName(c.req.param('name'));
    try {
      const installed = await cloudlet.catalogue.install(name, deviceOf(c.req.header('user-agent')), c.req.raw.signal);
      return await show(c, name, { installed });
    } catch (error) {
      const problem = asCloudletError(error);
      // What people cannot read here goes where all such things go.
      if (problem.code === 'internal') throw error;
      return await show(c, name, { problem });
    }
  });
  // Whoever reloads the answer of the button after its form is gone.
  pages.get('/store/:name/install', (c) => {
    if (c.var.caller === null)
      throw new CloudletError('unauthorized', 'expected a session, got none; open the cloudlet first');
    return c.redirect(`/store/${parseName(c.req.param('name'))}`);
  });
  return pages;
}
