// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FuelGauge } from '../../../../runtime/agent/fuel.ts';
import type { GuestComponent, InstantiateCore } from '../../../../runtime/agent/guest-component.ts';
import { InterruptCell } from '../../../../runtime/agent/interrupt-cell.ts';
import { budgetLifts } from '../../../../runtime/agent/lift-budget.ts';
import { SharedInstances } from '../../../../runtime/agent/reuse/shared-instances.ts';
import type { LoadMessage } from '../../../../runtime/agent/wire.ts';
import { DEFAULT_REUSE } from '../../../../runtime/sandbox/index.ts';
import { type ByteSink, emptySource, GrantedFiles } from '../../../../runtime/wasi/index.ts';
import { artifactOf } from '../../../support/sandbox-lab.ts';
import { backend } from '../../wasi/backend.ts';

const once = suite('the glue of a service');

type Make = (
  core: (name: string) => WebAssembly.Module,
  imports: object,
  instantiateCore: InstantiateCore,
) => Promise<unknown>;
type Handler = Record<string, { handle(request: unknown): unknown }>;

const INVOCATIONS = 8;
const AT_ONCE = 4;
const REQUESTS = 600;

const gauge = (): FuelGauge => new FuelGauge(new InterruptCell(), null, 120_000);

for (const name of ['http-p3', 'http-p3-c']) {
  once(
    `of ${name} is evaluated for as many instances as there are at once, however many follow each other`,
    async () => {
      const { glue, modules, manifest } = await artifactOf(name);
      const url = `data:text/javascript;base64,${Buffer.from(budgetLifts(glue)).toString('base64')}`;
      const { instantiate: make } = (await import(url)) as { instantiate: Make };
      const compiled = new Map(
        modules.map(({ name, bytes }) => [name, new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)]),
      );
      const counted = { evaluated: 0 };
      const component: GuestComponent = {
        message: { valueBytes: 2 ** 24 } as LoadMessage,
        files: new GrantedFiles([], 0),
        instantiate(imports, instantiateCore) {
          counted.evaluated += 1;
          return make((name) => compiled.get(name)!, imports, instantiateCore);
        },
      };
      const all = new SharedInstances(
        component,
        { ...DEFAULT_REUSE, invocations: INVOCATIONS, atOnce: AT_ONCE },
        gauge,
      );
      const used = new Set<unknown>();
      let answers = 0;
      const serve = async (): Promise<void> => {
        const instance = await all.take({ door: 'http' });
        used.add(instance);
        const wasi = instance.begin(backend(), gauge(), () => {});
        const handler = ((await instance.exports()) as Handler)[manifest.http!.at(0)!]!;
        const body: ByteSink = { capacity: 2 ** 20, write() {}, async wait() {}, async flush() {}, close() {} };
        const request = {
          method: 'GET',
          path: '/hello',
          scheme: 'http',
          authority: 'a',
          headers: [],
          body: emptySource,
        };
        const end = await wasi.handle(handler.handle.bind(handler), request, ({ status }) => {
          if (status === 200) answers += 1;
          return body;
        });
        assert.is(end.kind, 'finished');
        wasi.close();
        all.giveBack(instance);
      };
      let left = REQUESTS;
      const caller = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          await serve();
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, caller));
      assert.is(answers, REQUESTS);
      assert.ok(used.size >= REQUESTS / INVOCATIONS, `${used.size} instances`);
      // Those that serve, and those that come to their end meanwhile.
      assert.ok(counted.evaluated <= 2 * AT_ONCE, `evaluated ${counted.evaluated} times for ${used.size} instances`);
    },
  );
}

once.run();
