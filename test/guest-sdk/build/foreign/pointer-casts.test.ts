import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pointerCasts } from '../../../../guest-sdk/build/foreign/pointer-casts.ts';

const casts = suite('casts of functions that clang logs');

const entry = (option: string, message: string) => `<dict>
  <key>level</key><string>warning</string>
  <key>filename</key><string>src/a.c</string>
  <key>line</key><integer>7</integer>
  <key>message</key>
  <string>${message.replaceAll("'", '&apos;')}</string>
  <key>WarningOption</key><string>${option}</string>
</dict>`;

const STRICT = 'cast-function-type-strict';
const between = (from: string, to: string) => `cast from '${from}' to '${to}' converts to incompatible function type`;

for (const [what, option, message, matters] of [
  ['a result that is not wanted', STRICT, between('int (*)(struct box *)', 'void (*)(void *)'), true],
  ['a parameter too few', STRICT, between('void (*)(int)', 'void (*)(int, int)'), true],
  ['a wider parameter', STRICT, between('void (*)(int)', 'void (*)(long long)'), true],
  ['pointers to other things', STRICT, between('int (*)(struct a *)', 'int (*)(const void *)'), false],
  ['other integers of 32 bits', STRICT, between('unsigned int (*)(long)', 'int (*)(size_t)'), false],
  ['a type that cannot be told', STRICT, between('my_type (*)(int)', 'int (*)(int)'), true],
  ['an assignment without a cast', 'incompatible-function-pointer-types', "initializing 'fn' with 'int (int)'", true],
  ['another warning', 'unused-variable', "unused variable 'x'", false],
] as const) {
  casts(`${matters ? 'count' : 'do not count'}: ${what}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-casts-'));
    try {
      const log = join(folder, 'log');
      await writeFile(log, entry(option, message));
      assert.equal(
        (await pointerCasts(log)).map(({ place }) => place),
        matters ? ['src/a.c:7'] : [],
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

casts('are none where nothing was logged', async () => {
  assert.equal(await pointerCasts('/nonexistent/log'), []);
});

casts.run();
