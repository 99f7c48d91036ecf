import {
  Deployment,
  DeploymentList,
  type DeploymentRequestInput,
  FunctionInfo,
  FunctionList,
  type FunctionName,
  type LogLine,
  Session,
  Status,
} from '../protocol/index.ts';
import type { Compression } from './compression.ts';
import type { Content } from './deploy/content.ts';
import { type DeployNews, type DeployOptions, deploy } from './deploy/deploy.ts';
import { type PushFunctionOptions, pushFunction } from './deploy/push-function.ts';
import { fetchTransport } from './fetch-transport.ts';
import { type Answer, callExport, type InvokeOptions, requestFunction, runCommand } from './invocation.ts';
import { type LinkRate, measureLink } from './link-rate.ts';
import { type LogOptions, logLines } from './log-lines.ts';
import { type PublishOptions, publishFunction } from './publish-function.ts';
import { type PublishersClient, publishersClient } from './publishers.ts';
import { connect, type HostAddress, type HostRequest } from './request.ts';
import { type ServicesClient, servicesClient } from './services.ts';
import { type StoreClient, storeClient } from './store.ts';
import { type BodySource, readWhole, type Transport } from './transport.ts';
import { type VersionsClient, versionsClient } from './versions.ts';

/** One cloudlet over HTTP. Every method rejects with the cloudlet's own `CloudletError`, or `network-unavailable` when none answers. */
export interface CloudletClient {
  readonly url: string;
  /** What the cloudlet offers to devices. */
  readonly store: StoreClient;
  /** Exchanges the owner's token for a session, which can be shown in its place. */
  readonly openSession: (signal?: AbortSignal) => Promise<Session>;
  readonly status: (signal?: AbortSignal) => Promise<Status>;
  readonly functions: (signal?: AbortSignal) => Promise<FunctionInfo[]>;
  readonly function: (name: FunctionName, signal?: AbortSignal) => Promise<FunctionInfo>;
  /** Sends a component and gives the states of its deployment, the last of which is `ready` or `failed`. */
  readonly publish: (name: FunctionName, component: BodySource, options?: PublishOptions) => AsyncGenerator<Deployment>;
  /** Has something on the cloudlet by the cheapest way; see `deploy`. */
  readonly deploy: (request: DeploymentRequestInput, options?: DeployOptions) => AsyncGenerator<DeployNews>;
  /** Has a component or package on the cloudlet under a name, sending only what is not there; see `pushFunction`. */
  readonly push: (name: FunctionName, content: Content, options?: PushFunctionOptions) => AsyncGenerator<DeployNews>;
  /** Deployments that go on, and those that ended lately, newest first. */
  readonly deployments: (signal?: AbortSignal) => Promise<Deployment[]>;
  /** Gives a deployment up. */
  readonly cancelDeployment: (id: string, signal?: AbortSignal) => Promise<Deployment>;
  /** Measures the link to the cloudlet with so many bytes each way. */
  readonly measureLink: (bytes: number, signal?: AbortSignal) => Promise<LinkRate>;
  readonly remove: (name: FunctionName, signal?: AbortSignal) => Promise<void>;
  readonly rollback: (name: FunctionName, version?: number, signal?: AbortSignal) => Promise<FunctionInfo>;
  /** Sets a secret of a function: UTF-8 of at most 64 KiB. */
  readonly setSecret: (name: FunctionName, key: string, value: Uint8Array, signal?: AbortSignal) => Promise<void>;
  readonly removeSecret: (name: FunctionName, key: string, signal?: AbortSignal) => Promise<void>;
  /** Whose the names of functions are. */
  readonly publishers: PublishersClient;
  /** Versions of functions: which there are, what differs, which calls go to. */
  readonly versions: VersionsClient;
  /** Native servers, and the VMs in which they run. */
  readonly services: ServicesClient;
  readonly logs: (name: FunctionName, options?: LogOptions) => AsyncGenerator<LogLine>;
  /** Calls a typed export; arguments and result are the contract's JSON values. */
  readonly call: (
    name: FunctionName,
    target: string,
    args: readonly unknown[],
    options?: InvokeOptions,
  ) => Promise<unknown>;
  /** Runs a command: `input` is its stdin, the answer's body its stdout. */
  readonly run: (
    name: FunctionName,
    args: readonly string[],
    input: BodySource | undefined,
    options?: InvokeOptions,
  ) => Promise<Answer>;
  /** Sends a request to an http function; `path` begins with `/`. The answer may have any status that the function gives. */
  readonly request: (
    name: FunctionName,
    path: string,
    options?: InvokeOptions & { readonly method?: string; readonly body?: BodySource | undefined },
  ) => Promise<Answer>;
}

/** How a cloudlet is reached. */
export interface ClientOptions {
  /** `http://localhost:8080`. */
  readonly url: string;
  /** The owner's token or a session. */
  readonly token?: string | undefined;
  readonly transport?: Transport;
  /** What the platform can compress with; gzip when left out. On Node there is zstd: `zstd-compression.ts`. */
  readonly compression?: Compression;
}

/** A client of the cloudlet at an address. Opens nothing until it is used. */
export function createClient({ url, token, transport = fetchTransport(), compression }: ClientOptions): CloudletClient {
  const host = connect(url, token, transport, compression);
  const at = (name: FunctionName): string => `/v1/functions/${name}`;
  const secretAt = (name: FunctionName, key: string): string => `${at(name)}/secrets/${encodeURIComponent(key)}`;
  return {
    url: host.origin,
    store: storeClient(host),
    openSession: (signal) =>
      host.json(Session, { method: 'POST', path: '/v1/session', json: { token: token ?? '' }, signal }),
    status: (signal) => host.json(Status, { path: '/v1/status', signal }),
    functions: async (signal) => (await host.json(FunctionList, { path: '/v1/functions', signal })).functions,
    function: (name, signal) => host.json(FunctionInfo, { path: at(name), signal }),
    publish: (name, component, options = {}) => publishFunction(host, name, component, options),
    deploy: (request, options) => deploy(host, request, options),
    push: (name, content, options) => pushFunction(host, name, content, options),
    deployments: async (signal) => (await host.json(DeploymentList, { path: '/v1/deployments', signal })).deployments,
    cancelDeployment: (id, signal) =>
      host.json(Deployment, { method: 'DELETE', path: `/v1/deployments/${encodeURIComponent(id)}`, signal }),
    publishers: publishersClient(host),
    versions: versionsClient(host),
    services: servicesClient(host),
    measureLink: (bytes, signal) => measureLink(host, bytes, signal),
    remove: (name, signal) => nothing(host, { method: 'DELETE', path: at(name), signal }),
    setSecret: (name, key, value, signal) => {
      const headers = { 'content-type': 'application/octet-stream', 'content-length': String(value.length) };
      return nothing(host, { method: 'PUT', path: secretAt(name, key), headers, body: value, signal });
    },
    removeSecret: (name, key, signal) => nothing(host, { method: 'DELETE', path: secretAt(name, key), signal }),
    rollback: (name, version, signal) => {
      const path = `${at(name)}/rollback`;
      return host.json(FunctionInfo, { method: 'POST', path, json: version === undefined ? {} : { version }, signal });
    },
    logs: (name, options = {}) => logLines(host, `${at(name)}/logs`, options),
    call: (name, target, args, options) => callExport(host, name, target, args, options),
    run: (name, args, input, options) => runCommand(host, name, args, input, options),
    request: (name, path, options) => requestFunction(host, name, path, options),
  };
}

/** A request that is answered with nothing. */
async function nothing(host: HostAddress, request: HostRequest): Promise<void> {
  const response = await host.send(request);
  // A body that is not read, even an empty one, would hold the connection.
  await readWhole(response.body, 0);
}
