import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { releaseOf } from '../../../../runtime/vm/base/base-inputs.ts';
import { packagesOf, parsePackageNames } from '../../../../runtime/vm/base/package-list.ts';

const packages = suite('the packages of a base VM');

packages('are read out of what apt would install, in order of names', () => {
  const simulation = `Reading package lists...
Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64]) []
Inst base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Inst tzdata [2024a-0] (2024b-0 Debian:12/stable, Debian-Security:12 [all])
Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])
`;
  assert.equal(packagesOf(simulation), [
    { name: 'base-files', version: '12.4+deb12u15' },
    { name: 'libc6', version: '2.36-9+deb12u14' },
    { name: 'tzdata', version: '2024b-0' },
  ]);
});

packages('are named as Debian names them, each once', () => {
  assert.equal(parsePackageNames(['nginx-light', 'g++', 'nginx-light', 'libstdc++6']), [
    'g++',
    'libstdc++6',
    'nginx-light',
  ]);
  for (const names of [['-o'], ['../x'], ['a b'], ['A'], ['x,y'], [''], Array(201).fill('abc')]) {
    try {
      parsePackageNames(names);
    } catch (error) {
      assert.is((error as CloudletError).code, 'request-invalid');
      continue;
    }
    assert.unreachable(`${names[0]} was taken`);
  }
});

packages('are of the release that this computer says it has', () => {
  const source = { uri: '', suite: 'trixie', components: [], keyring: null, lists: [] };
  assert.is(releaseOf('ID=debian\nVERSION_CODENAME=bookworm\n', [source]), 'bookworm');
  assert.is(releaseOf('ID=debian\n', [source]), 'trixie');
});

packages.run();
