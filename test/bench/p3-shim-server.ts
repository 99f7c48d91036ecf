/**
 * A peer of the benchmark p3: `p3-shim-server.ts COMPONENT PORT` serves a component of `wasi:http/service@0.3.0` with the stock
 * operating system (preview3-shim) and its HTTP server, over jco's glue, in one instance for all requests.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { http } from '@bytecodealliance/preview3-shim';

type Interface = Record<string, unknown>;

interface Handler {
  handle(request: unknown): Promise<unknown>;
}

/** The part of the shim that is used here; its types are those of its browser edition, which has no server. */
const { HttpServer, types } = http as unknown as {
  readonly types: Interface;
  readonly HttpServer: new (
    handler: Handler,
  ) => { on(event: 'error', heard: (error: unknown) => void): void; listen(port: number, host: string): Promise<void> };
};

const [, , component, port] = argv;
const folder = join(tmpdir(), `p3-shim-${randomUUID()}`);
const { files } = await transpile(new Uint8Array(await readFile(component!)), {
  name: 'component',
  instantiation: 'async',
  asyncMode: 'jspi',
  noTypescript: true,
});
for (const [name, bytes] of Object.entries(files)) {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), bytes);
}
await writeFile(join(folder, 'package.json'), '{"type":"module"}');
const { instantiate } = (await import(pathToFileURL(join(folder, 'component.js')).href)) as {
  instantiate(
    core: (name: string) => Promise<WebAssembly.Module>,
    imports: Record<string, Interface>,
  ): Promise<Record<string, Handler>>;
};
// The JavaScript engine of the guest imports WASI 0.2.
const imports = { ...(new WASIShim().getImportObject() as Record<string, Interface>), 'wasi:http/types': types };
const exports = await instantiate(
  async (name) => WebAssembly.compile(new Uint8Array(await readFile(join(folder, name)))),
  imports,
);
await rm(folder, { recursive: true });
const { handle } = exports['handler']!;
// The glue gives the response itself and throws the error; the server wants the result.
const server = new HttpServer({ handle: async (request: unknown) => ({ tag: 'ok', val: await handle(request) }) });
server.on('error', (error: unknown) => console.error(error));
await server.listen(Number(port), '127.0.0.1');
