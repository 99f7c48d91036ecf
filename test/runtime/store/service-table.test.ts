import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseName } from '../../../guest-sdk/protocol/index.ts';
import { Registry } from '../../../runtime/store/index.ts';
import { imageDigest } from '../../support/fake-vm.ts';

const table = suite('the services of a registry');

table('are put, found, listed and removed', () => {
  const registry = Registry.open(':memory:', { now: () => new Date('2026-11-26T00:00:00Z') });
  const { services } = registry;
  const [web, db] = [parseName('web'), parseName('db')];
  const changedAt = '2026-11-26T00:00:00.000Z';
  services.put({ name: web, image: imageDigest('a'), spec: '{}', publisher: null });
  services.put({ name: db, image: imageDigest('a'), spec: '{}', publisher: null });
  services.put({ name: web, image: imageDigest('b'), spec: '{"port":1}', publisher: 'K' });
  assert.equal(services.find(web), {
    name: web,
    image: imageDigest('b'),
    spec: '{"port":1}',
    publisher: 'K',
    changedAt,
  });
  assert.equal(
    services.list().map(({ name }) => name),
    [db, web],
  );
  assert.equal([services.usesImage(imageDigest('a')), services.usesImage(imageDigest('c'))], [true, false]);
  assert.equal([services.remove(db), services.remove(db)], [true, false]);
  assert.is(services.find(db), undefined);
  assert.is(services.usesImage(imageDigest('a')), false);
  registry.close();
});

table('remember what a service was, until it is removed', () => {
  const registry = Registry.open(':memory:');
  const { services } = registry;
  const web = parseName('web');
  const [document, other] = [imageDigest('d'), imageDigest('e')];
  services.put({ name: web, image: imageDigest('a'), spec: '{}', publisher: null });
  services.past.set(web, document, { image: imageDigest('a'), publisher: null });
  services.past.set(web, document, { image: imageDigest('b'), publisher: 'K' });
  services.past.set(web, other, { image: imageDigest('c'), publisher: null });
  services.put({ name: web, image: imageDigest('c'), spec: '{}', publisher: null });
  assert.equal(services.past.find(web, document), { image: imageDigest('b'), publisher: 'K' });
  assert.is(services.past.find('db', document), undefined);
  assert.equal(
    ['a', 'b', 'c'].map((image) => services.past.publisherOf(web, imageDigest(image))),
    [null, 'K', null],
  );
  services.past.set(web, other, null);
  assert.is(services.past.find(web, other), undefined);
  services.remove(web);
  assert.is(services.past.find(web, document), undefined);
  registry.close();
});

table.run();
