import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import { begunInvocation } from './http/begun-invocation.ts';
import type { HostContext } from './http/connection.ts';
import { protectResponse } from './http/protection.ts';
import { openApiDocument } from './openapi.ts';
import type { HostParts } from './parts.ts';
import { problemHandler, unknownRoute } from './problem.ts';
import { callRoutes } from './routes/call.ts';
import { deploymentRoutes } from './routes/deployments.ts';
import { functionRoutes } from './routes/functions.ts';
import { healthRoutes, shuttingDown } from './routes/health.ts';
import { httpDoorRoutes } from './routes/http-door.ts';
import { linkRoutes } from './routes/link.ts';
import { logRoutes } from './routes/logs.ts';
import { publisherRoutes } from './routes/publishers.ts';
import { refuseDeepNames, registryRoutes } from './routes/registry.ts';
import { registryUploadRoutes } from './routes/registry-uploads.ts';
import { runRoutes } from './routes/run.ts';
import { secretRoutes } from './routes/secrets.ts';
import { serviceDoorRoutes } from './routes/service-door.ts';
import { serviceRoutes } from './routes/services.ts';
import { sessionRoutes } from './routes/session.ts';
import { statusRoutes } from './routes/status.ts';
import { storeRoutes } from './routes/store.ts';
import { storeFileRoutes } from './routes/store-files.ts';
import { versionRoutes } from './routes/versions.ts';
import { webAppRoutes } from './routes/web-app.ts';
import { gate, isAnonymous } from './trust/index.ts';

/** The API of a cloudlet; `pages` are mounted beside it. Tests call `app.request()` without a socket. */
export function createApp(parts: HostParts, pages?: Hono<HostContext>): Hono<HostContext> {
  const app = new Hono<HostContext>();
  app.use(protect(parts), gate(parts.trust), refuseWhileDraining(parts.draining));
  const resources = [
    healthRoutes,
    sessionRoutes,
    statusRoutes,
    functionRoutes,
    secretRoutes,
    versionRoutes,
    callRoutes,
    runRoutes,
    logRoutes,
    deploymentRoutes,
    linkRoutes,
    httpDoorRoutes,
    storeRoutes,
    storeFileRoutes,
    serviceRoutes,
    serviceDoorRoutes,
    publisherRoutes,
    registryUploadRoutes,
    registryRoutes,
    refuseDeepNames,
  ];
  for (const routes of resources) app.route('/', routes(parts));
  app.route(
    '/',
    webAppRoutes(parts, (request, env) => app.fetch(request, env)),
  );
  let document: Promise<unknown> | undefined;
  app.get('/openapi.json', async (c) => {
    document ??= parts.cloudlet.status().then(({ version }) => openApiDocument(app, version));
    return c.json((await document) as object);
  });
  if (pages !== undefined) app.route('/', pages);
  app.onError(problemHandler(parts.journal));
  app.notFound(unknownRoute(methodsOf(app)));
  return app;
}

/** Headers that keep a browser from doing more with an answer than we meant, where the route said nothing of its own; counts the answer. */
function protect({ metrics }: HostParts): MiddlewareHandler<HostContext> {
  return async (c, next) => {
    await next();
    protectResponse(c);
    metrics.requestAnswered(c.res.status);
  };
}

function refuseWhileDraining(draining: AbortSignal): MiddlewareHandler<HostContext> {
  return async (c: Context<HostContext>, next) => {
    if (draining.aborted && !isAnonymous(c.req.method, c.req.path) && begunInvocation(c) === undefined)
      throw shuttingDown();
    await next();
  };
}

/** Looks up which methods an address has, for 405 and its `Allow`. Built at the first miss, when all routes are in. */
function methodsOf(app: Hono<HostContext>): (path: string) => readonly string[] {
  let router: TrieRouter<string> | undefined;
  return (path) => {
    if (router === undefined) {
      router = new TrieRouter();
      for (const route of app.routes) if (route.method !== 'ALL') router.add('ALL', route.path, route.method);
    }
    const methods = new Set(router.match('ALL', path)[0].map(([method]) => method));
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  };
}
