import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The longest file that still is one concept. Tests may be longer: they are tables. */
const MAX_LINES = 300;

/**
 * Who may import whom. A folder that is not named here takes the rule of its parent.
 * `doors` are the only files that may be imported from outside the folder's top level.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'guest-sdk/protocol': [],
  'guest-sdk/guest': [],
  'guest-sdk/client': ['guest-sdk/protocol', 'runtime/wasi'],
  'guest-sdk/build': ['guest-sdk/protocol', 'runtime'],
  'runtime/wasi': [],
  'runtime/store': ['guest-sdk/protocol'],
  'runtime/image': ['guest-sdk/protocol', 'runtime/store'],
  'runtime/machine': ['guest-sdk/protocol', 'runtime/image', 'runtime/store'],
  'runtime/component': ['guest-sdk/protocol', 'runtime/wasi', 'runtime/store'],
  'runtime/agent': [
    'guest-sdk/protocol',
    'runtime/wasi',
    'runtime/component/rewrite/metered-instance.ts',
    'runtime/outside/network/messages.ts',
    'runtime/outside/network/record.ts',
  ],
  'runtime/outside': ['guest-sdk/protocol', 'runtime/wasi', 'runtime/store'],
  'runtime/grant': ['guest-sdk/protocol'],
  'runtime/sandbox': [
    'runtime/grant',
    'runtime/wasi',
    'guest-sdk/protocol',
    'runtime/outside',
    'runtime/component',
    'runtime/machine',
    'runtime/image',
    'runtime/agent/wire.ts',
  ],
  'runtime/vm': ['guest-sdk/protocol', 'runtime/machine', 'runtime/image', 'runtime/store'],
  'runtime/service': [
    'guest-sdk/protocol',
    'runtime/sandbox/clock.ts',
    'runtime/vm',
    'runtime/grant',
    'runtime/outside',
    'runtime/machine',
    'runtime/store',
  ],
  'runtime/provision': [
    'runtime/vm',
    'runtime/service',
    'runtime/grant',
    'runtime/wasi',
    'guest-sdk/protocol',
    'runtime/outside',
    'runtime/sandbox',
    'runtime/component',
    'runtime/image',
    'runtime/store',
    'runtime/machine',
  ],
  'runtime/distribution': ['guest-sdk/protocol', 'runtime/store', 'runtime/provision', 'runtime/component/inspect.ts'],
  'runtime/catalogue': [
    'guest-sdk/protocol',
    'runtime/store',
    'runtime/provision/deployment/rung.ts',
    'runtime/provision/package/byte-feed.ts',
    'runtime/provision/package/expanded.ts',
    'runtime/provision/package/tar-reader.ts',
  ],
  runtime: ['guest-sdk/protocol', 'runtime'],
  host: ['guest-sdk/protocol', 'guest-sdk/build', 'guest-sdk/client', 'runtime'],
  examples: [],
};

/** Doors: what may be imported across a top-level folder. */
const DOORS = [
  'runtime/index.ts',
  'runtime/wasi/index.ts',
  'guest-sdk/protocol/index.ts',
  // The agent starts in every machine, once for each worker: it loads the codecs without the schemas of the HTTP interface.
  'guest-sdk/protocol/value/index.ts',
  'guest-sdk/build/index.ts',
  // Threads that apply overlays start while somebody waits: the schemas would take longer than they do.
  'guest-sdk/protocol/errors.ts',
  // A host packs its examples, and must not hold the compilers for that.
  'guest-sdk/build/pack.ts',
  // The help of a verb lists them, without the compilers.
  'guest-sdk/build/template.ts',
  'guest-sdk/client/index.ts',
  'guest-sdk/client/mdns.ts',
  'guest-sdk/client/node.ts',
  'guest-sdk/client/zstd-compression.ts',
  'guest-sdk/guest/index.ts',
];

/** Folders that also run where there is no Node. */
const PLATFORM_FREE = ['guest-sdk/protocol/', 'guest-sdk/guest/', 'runtime/wasi/', 'guest-sdk/client/'];
const NODE_DOORS = ['guest-sdk/client/mdns.ts', 'guest-sdk/client/node.ts', 'guest-sdk/client/zstd-compression.ts'];

const sources = execFileSync(
  'git',
  ['ls-files', '-co', '--exclude-standard', '--', 'runtime', 'guest-sdk', 'host', 'examples'],
  {
    cwd: ROOT,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => /\.m?ts$/.test(file) && !file.startsWith('guest-sdk/templates/'));

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

/** Relative imports as repository paths, others as they stand. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm,
  )) {
    const target = match[2] ?? match[3]!;
    const resolved = target.startsWith('.') ? normalize(join(dirname(file), target)) : target;
    found.push({ file, target: resolved, typeOnly: match[1] !== undefined });
  }
  return found;
}

const imports = sources.flatMap(importsOf);
const local = imports.filter((each) => /^(runtime|guest-sdk|host|examples|test)\//.test(each.target));
const within = (file: string, folder: string) => file === folder || file.startsWith(`${folder}/`);
const folderOf = (file: string) =>
  Object.keys(MAY_IMPORT)
    .filter((folder) => within(file, folder))
    .sort((a, b) => b.length - a.length)[0];

const architecture = suite('the architecture');

architecture('has sources to look at', () => {
  assert.ok(sources.length > 10);
  assert.ok(local.length > 10);
});

architecture('imports follow the table of who may import whom', () => {
  const broken = local
    .filter(({ file, target }) => {
      const folder = folderOf(file);
      if (folder === undefined) return true;
      return !within(target, folder) && !MAY_IMPORT[folder]!.some((allowed) => within(target, allowed));
    })
    .map(({ file, target }) => `${file} → ${target}`);
  assert.equal(broken, []);
});

architecture('crossing a top-level folder goes through a door', () => {
  const broken = local
    .filter(({ file, target }) => file.split('/')[0] !== target.split('/')[0] && !DOORS.includes(target))
    .map(({ file, target }) => `${file} → ${target}`);
  assert.equal(broken, []);
});

architecture('nobody imports the agent but through its wire', () => {
  const broken = local
    .filter(({ file, target }) => within(target, 'runtime/agent') && !within(file, 'runtime/agent'))
    .filter(({ target }) => target !== 'runtime/agent/wire.ts')
    .map(({ file, target }) => `${file} → ${target}`);
  assert.equal(broken, []);
});

architecture('examples import public names only', () => {
  const broken = imports
    .filter(({ file }) => within(file, 'examples'))
    .filter(
      ({ file, target }) =>
        within(target, 'runtime') ||
        within(target, 'host') ||
        (within(target, 'guest-sdk') && !within(file, 'guest-sdk')),
    )
    .map(({ file, target }) => `${file} → ${target}`);
  assert.equal(broken, []);
});

architecture('relative imports end in .ts', () => {
  const broken = local
    // AssemblyScript's never do.
    .filter(({ file }) => !within(file, 'guest-sdk/guest/assemblyscript'))
    .filter(({ target }) => !/\.(ts|json|mjs)$/.test(target))
    .map(({ file, target }) => `${file} → ${target}`);
  assert.equal(broken, []);
});

architecture('platform-free folders import nothing of Node', () => {
  const broken = imports
    .filter(({ file, target }) => PLATFORM_FREE.some((folder) => file.startsWith(folder)) && target.startsWith('node:'))
    .filter(({ file }) => !NODE_DOORS.includes(file))
    .map(({ file, target }) => `${file} → ${target}`);
  assert.equal(broken, []);
});

for (const [what, pattern, allowed] of [
  [
    'process.env is read only in host/config.ts',
    /\bprocess\.env\b/,
    /^(host\/config\.ts|host\/setup\/|runtime\/agent\/|examples\/)/,
  ],
  [
    'console is used only by the journal and the commands',
    /\bconsole\.\w+\(/,
    /^(host\/journal\.ts|host\/cli\/|host\/setup\/|host\/dashboard\/assets\/|guest-sdk\/guest\/|examples\/)/,
  ],
] as const) {
  architecture(what, () => {
    const broken = sources.filter(
      (file) => !allowed.test(file) && pattern.test(stripComments(readFileSync(join(ROOT, file), 'utf8'))),
    );
    assert.equal(broken, []);
  });
}

architecture(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = sources.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > MAX_LINES + 1);
  assert.equal(long, []);
});

architecture('no folder is named after nothing', () => {
  const vague = sources.filter((file) => /(^|\/)(utils?|helpers?|common|shared|types)(\/|\.ts$)/.test(file));
  assert.equal(vague, []);
});

function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

architecture.run();
