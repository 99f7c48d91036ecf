import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelOf } from '../../../runtime/image/kernel-package.ts';

const packages = suite('the kernel package');

for (const [what, depends] of [
  ['alone', 'linux-image-6.1.0-56-cloud-amd64 (= 6.1.192-2)'],
  ['among others', 'initramfs-tools (>= 0.120), linux-image-6.1.0-56-cloud-amd64 (= 6.1.192-2), kmod'],
] as const) {
  packages(`is read from what the meta package depends on, ${what}`, () => {
    const description = `Package: linux-image-cloud-amd64\nVersion: 6.1.192-2\nDepends: ${depends}\nSize: 1\n`;
    assert.equal(kernelOf(description), { name: 'linux-image-6.1.0-56-cloud-amd64', version: '6.1.192-2' });
  });
}

for (const [what, description] of [
  ['nothing', ''],
  ['no dependency', 'Package: linux-image-cloud-amd64\n'],
  ['no exact version', 'Depends: linux-image-6.1.0-56-cloud-amd64\n'],
] as const) {
  packages(`cannot be read from ${what}, and the remedy is told`, () => {
    assert.throws(() => kernelOf(description), /expected linux-image-cloud-amd64 to depend on.*apt-get update/);
  });
}

packages.run();
