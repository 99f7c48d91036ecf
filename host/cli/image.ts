import { hostConfig } from '../config.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';

interface ImageFlags {
  readonly cache?: string;
  readonly json?: boolean;
}

const verb: Verb = (program) => {
  const image = program.command('image').description('base images of sandboxes');
  image
    .command('build')
    .description('build the base image, unless it is there')
    .option('--cache <directory>', 'where base images live')
    .option('--json', 'print JSON')
    .action(async ({ cache, json }: ImageFlags) => {
      const { ensureImageApart } = await import('../../runtime/index.ts');
      const { cacheDir } = typed(() => hostConfig({ cache }));
      const startedAt = performance.now();
      const built = await ensureImageApart({
        cacheDir,
        onProgress: (stage, done, total) => console.error(`cloudlet: base image ${done + 1}/${total}: ${stage}`),
      });
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      if (json) console.log(JSON.stringify({ digest: `sha256:${built.digest}`, path: built.directory }));
      else console.log(`base image ${built.digest.slice(0, 12)} in ${built.directory} (${seconds} s)`);
    });
  image
    .command('ls')
    .description('list base images')
    .option('--cache <directory>', 'where base images live')
    .option('--json', 'print JSON')
    .action(async ({ cache, json }: ImageFlags) => {
      const { listImages } = await import('../../runtime/index.ts');
      const images = await listImages(typed(() => hostConfig({ cache })).cacheDir);
      if (json) return console.log(JSON.stringify({ images }));
      if (images.length === 0) return console.log('no base image yet; make one with: npx cloudlet image build');
      for (const each of images) {
        console.log(
          `${each.digest.slice(7, 19)}  ${each.kernel}  Node ${each.node}  ${Math.round(each.bytes / 2 ** 20)} MiB`,
        );
      }
    });
};

export default verb;
