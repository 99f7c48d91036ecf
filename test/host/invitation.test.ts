import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { invitationText, invite } from '../../host/invitation.ts';

const invitation = suite('the invitation');
const MACHINE = ['127.0.0.1', '::1', 'fe80::1', '2001:db8::5', '192.168.1.5'];

const table: readonly [bind: string, addresses: string[], network: boolean][] = [
  ['127.0.0.1', ['http://localhost:8080'], false],
  ['::1', ['http://[::1]:8080'], false],
  ['192.168.1.5', ['http://192.168.1.5:8080'], true],
  ['0.0.0.0', ['http://192.168.1.5:8080', 'http://[2001:db8::5]:8080'], true],
];
for (const [bind, addresses, network] of table) {
  invitation(`bound to ${bind} it gives ${addresses.join(' and ')}`, () => {
    const made = invite(bind, 8080, 'secret', MACHINE);
    assert.equal([made.addresses, made.network, made.link], [addresses, network, `${addresses[0]}/#token=secret`]);
  });
}

invitation('a person on this machine sees the link, and no code to scan', () => {
  const text = invitationText(invite('127.0.0.1', 8080, 'secret', MACHINE), true, 'hint');
  assert.match(text, /http:\/\/localhost:8080\/#token=secret/);
  assert.not.match(text, /[█▀▄]/);
});

invitation('a person on the network also sees a code, and what the link allows', () => {
  const text = invitationText(invite('0.0.0.0', 8080, 'secret', MACHINE), true, 'hint');
  assert.match(text, /[█▀▄]{10}/);
  assert.match(text, /may publish and run functions/);
});

invitation('a pipe never sees the secret', () => {
  for (const bind of ['127.0.0.1', '0.0.0.0']) {
    const text = invitationText(invite(bind, 8080, 'secret', MACHINE), false, 'the token is in /data');
    assert.not.match(text, /secret|█/);
    assert.match(text, /^Cloudlet serves at http:\/\/\S+:8080.*the token is in \/data\)\n$/);
  }
});

invitation.run();
