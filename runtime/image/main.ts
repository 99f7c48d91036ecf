/**
 * Has the base image in a process of its own: bundling, hashing and unpacking take memory and time that a serving host must not
 * give. Started by `image-process.ts` with its options as JSON; answers with lines of `ImageMessage` on standard output.
 */
import { asCloudletError } from '../../guest-sdk/protocol/index.ts';
import { ensureImage } from './catalogue.ts';
import type { ImageMessage, ImageProcessOptions } from './image-process.ts';

const say = (message: ImageMessage) => process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const options = JSON.parse(process.argv[2] ?? '') as ImageProcessOptions;
  const image = await ensureImage({
    ...options,
    onProgress: (stage, done, total) => say({ kind: 'progress', stage, done, total }),
  });
  say({ kind: 'image', image });
} catch (error) {
  const { code, message } = asCloudletError(error, 'sandbox-unavailable');
  say({ kind: 'failed', code, message });
}
