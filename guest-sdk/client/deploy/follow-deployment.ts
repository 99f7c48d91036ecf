import {
  CloudletError,
  Deployment,
  type DeploymentEvent,
  DeploymentLog,
  isEnded,
  RungChange,
} from '../../protocol/index.ts';
import { readEvents, type StreamEvent } from '../event-lines.ts';
import { isAway, PATIENCE_MS, type Wait } from '../patience.ts';
import type { HostAddress } from '../request.ts';

/** The events of a deployment up to its end, each once: over connections that break and hosts that start again. */
export async function* followDeployment(
  host: HostAddress,
  id: string,
  signal: AbortSignal | undefined,
  wait: Wait,
): AsyncGenerator<DeploymentEvent> {
  const path = `/v1/deployments/${encodeURIComponent(id)}/events`;
  let last = 0;
  for (let away = 0; ; away += 1) {
    try {
      const headers: Record<string, string> = last === 0 ? {} : { 'last-event-id': String(last) };
      const response = await host.send({ path, headers, signal });
      let isFirst = true;
      for await (const streamed of readEvents(response.body)) {
        const event = parseEvent(host, streamed, path);
        if (event === null) continue;
        // A cloudlet that lost power tells anew what it knows; its end may have a number that was seen already.
        if (isFirst && event.id <= last) last = 0;
        isFirst = false;
        if (event.id <= last) continue;
        last = event.id;
        away = 0;
        yield event;
        if (event.event === 'state' && isEnded(event.data)) return;
      }
      if (response.status === 204) return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isAway(error)) throw error;
      if (away === PATIENCE_MS.length) throw error;
    }
    if (away === PATIENCE_MS.length)
      throw new CloudletError(
        'network-unavailable',
        `the cloudlet at ${host.origin} stopped telling how the deployment goes`,
      );
    await wait(PATIENCE_MS[away]!, signal);
  }
}

/** An event that we know; null for one of a newer cloudlet. */
function parseEvent(host: HostAddress, { event, data, id }: StreamEvent, path: string): DeploymentEvent | null {
  switch (event) {
    case 'state':
      return { id: Number(id), event, data: host.parse(Deployment, data, path) };
    case 'rung':
      return { id: Number(id), event, data: host.parse(RungChange, data, path) };
    case 'log':
      return { id: Number(id), event, data: host.parse(DeploymentLog, data, path) };
    default:
      return null;
  }
}
