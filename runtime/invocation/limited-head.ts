import { CloudletError, type Limits } from '../../guest-sdk/protocol/index.ts';
import type { InvocationRequest } from './invocation.ts';

/**
 * Refuses a request with more header fields than its function takes, `headers-too-large`, before any sandbox is asked: the guest, which
 * sees them as one set, could not hold them.
 */
export function checkHead(
  request: InvocationRequest,
  { fields, fieldBytes }: Pick<Limits, 'fields' | 'fieldBytes'>,
): void {
  if (request.door !== 'http') return;
  const bytes = request.headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (request.headers.length <= fields && bytes <= fieldBytes) return;
  throw new CloudletError(
    'headers-too-large',
    `expected at most ${fields} header fields of ${fieldBytes} bytes, got ${request.headers.length} of ${bytes}; send fewer, or raise the function's "fields" or "fieldBytes"`,
  );
}
