import { execFile } from 'node:child_process';
import { isBuiltin } from 'node:module';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleAgent } from '../../../runtime/image/agent-bundle.ts';

const bundle = suite('the bundled agent');

bundle('needs nothing but Node, and compiles no code from text', async () => {
  const text = new TextDecoder().decode(await bundleAgent());
  const imported = [...text.matchAll(/(?:^|;)import(?:\s*[{*][^;"]*?from|\s+[\w$]+[^;"]*?from)?\s*"([^"]+)"/gm)].map(
    (match) => match[1]!,
  );
  assert.ok(imported.length > 2);
  assert.equal(
    imported.filter((name) => !isBuiltin(name)),
    [],
  );
  assert.not.match(text, /(?<![\w.])(?:require|eval|Function)\s*\(/);
});

bundle('is the same for the same sources', async () => {
  assert.equal(await bundleAgent(), await bundleAgent());
});

bundle('is the same from any folder', async () => {
  const module = JSON.stringify(new URL('../../../runtime/image/agent-bundle.ts', import.meta.url).href);
  const program = `import { bundleAgent } from ${module}; process.stdout.write(await bundleAgent());`;
  const elsewhere = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: '/' });
  assert.is(elsewhere.stdout, new TextDecoder().decode(await bundleAgent()));
});

bundle.run();
