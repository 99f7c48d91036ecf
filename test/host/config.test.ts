import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clientConfig, hostConfig, isLoopback, type ServeFlags, type Surroundings } from '../../host/config.ts';

const config = suite('host configuration');
const person: Surroundings = { environment: {}, home: '/home/ada', isRoot: false };
const around = (environment: Record<string, string>): Surroundings => ({ ...person, environment });

config('without flags it is loopback, port 8080, a microvm and the directories of the user', () => {
  assert.equal(hostConfig({}, person), {
    port: 8080,
    bind: '127.0.0.1',
    dataDir: '/home/ada/.local/share/cloudlet',
    cacheDir: '/home/ada/.cache/cloudlet',
    sandbox: 'microvm',
    accel: 'auto',
    isolation: 'shared',
    name: undefined,
    memoryMib: undefined,
    idleS: undefined,
    retain: undefined,
    deploymentIdleS: undefined,
    deploymentTimeS: undefined,
    serviceIdleS: undefined,
    policyFile: undefined,
    allowHosts: [],
    tracing: null,
  });
});

config('root keeps things where services do', () => {
  const { dataDir, cacheDir } = hostConfig({}, { ...person, isRoot: true });
  assert.equal([dataDir, cacheDir], ['/var/lib/cloudlet', '/var/cache/cloudlet']);
});

config('XDG directories count', () => {
  assert.is(hostConfig({}, around({ XDG_DATA_HOME: '/data' })).dataDir, '/data/cloudlet');
});

config('a flag goes before the environment, the environment before the default', () => {
  const environment = around({
    CLOUDLET_PORT: '9001',
    CLOUDLET_SANDBOX: 'process',
    CLOUDLET_ALLOW_HOST: 'a.example,b.example',
  });
  const { port, sandbox, allowHosts } = hostConfig({ port: '9002' }, environment);
  assert.equal([port, sandbox, allowHosts], [9002, 'process', ['a.example', 'b.example']]);
});

const refused: readonly [
  flags: ServeFlags & Record<string, string | number>,
  environment: Record<string, string>,
  sentence: RegExp,
][] = [
  [{ port: '70000' }, {}, /--port \(CLOUDLET_PORT\) to be a number from 0 to 65535, got "70000"/],
  [{ port: 'http' }, {}, /--port/],
  [{ bind: 'example.com' }, {}, /--bind .* an IP address/],
  [{ sandbox: 'docker' }, {}, /"microvm" or "process", got "docker"/],
  [{ accel: 'xen' }, {}, /--accel/],
  [{ isolation: 'some' }, {}, /--isolation/],
  [{ memory: '0' }, {}, /--memory .* a whole number of MiB above 0, got "0"/],
  [{}, { CLOUDLET_IDLE: '1h' }, /--idle \(CLOUDLET_IDLE\) .* a whole number of seconds above 0, got "1h"/],
  [{ deploymentIdle: '0' }, {}, /--deployment-idle \(CLOUDLET_DEPLOYMENT_IDLE\) .* seconds above 0, got "0"/],
  [{}, { CLOUDLET_DEPLOYMENT_TIME: '-1' }, /--deployment-time .* seconds above 0, got "-1"/],
  [{ serviceIdle: 1.5 }, {}, /--service-idle .* seconds above 0, got 1.5/],
  [{ prot: 1 }, {}, /no option --prot/],
  [{}, { CLOUDLET_PROT: '1' }, /CLOUDLET_PROT/],
  [{ allowHost: ['a b'] } as never, {}, /--allow-host .* a host name without port/],
];
for (const [flags, environment, sentence] of refused) {
  config(`${JSON.stringify({ ...flags, ...environment })} is refused with a sentence that names it`, () => {
    assert.throws(() => hostConfig(flags, around(environment)), sentence);
  });
}

config('--bind takes localhost and bracketed IPv6', () => {
  assert.equal(
    [hostConfig({ bind: 'localhost' }, person).bind, hostConfig({ bind: '[::1]' }, person).bind],
    ['127.0.0.1', '::1'],
  );
});

config('the client finds the host and its token by the environment', () => {
  const environment = {
    CLOUDLET_URL: 'http://cl:1',
    CLOUDLET_TOKEN: 't',
    CLOUDLET_DATA: '/d',
    CLOUDLET_REGISTRY_AUTH: 'u:p',
  };
  assert.equal(clientConfig({}, around(environment)), {
    url: 'http://cl:1',
    token: 't',
    registryAuth: 'u:p',
    dataDir: '/d',
    cacheDir: '/home/ada/.cache/cloudlet',
  });
  assert.is(clientConfig({}, person).url, 'http://localhost:8080');
});

config('loopback is told from the network', () => {
  const answers = [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '::ffff:127.0.0.1',
    '0.0.0.0',
    '::',
    '192.168.1.5',
    '128.0.0.1',
  ].map(isLoopback);
  assert.equal(answers, [true, true, true, true, false, false, false, false]);
});

config.run();
