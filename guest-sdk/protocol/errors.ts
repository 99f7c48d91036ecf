/**
 * Every way a request to a cloudlet can fail, in one table.
 * HTTP takes the status from it, clients decide by it whether to retry, the pool whether to close a sandbox, the docs print it.
 */

/** What follows from an error code. */
export interface ErrorTraits {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** Who has to act: the caller (fix the request), the guest (fix the function) or the cloudlet (operator, or wait). */
  readonly fault: 'caller' | 'guest' | 'cloudlet';
  /** Whether the same request may succeed when it is sent again unchanged. */
  readonly retryable: boolean;
  /** Whether the sandbox in which it happened must be closed and never reused. */
  readonly poisons: boolean;
  /** Short, constant title of the problem document (RFC 9457). */
  readonly title: string;
}

const caller = (status: number, title: string): ErrorTraits => ({
  status,
  fault: 'caller',
  retryable: false,
  poisons: false,
  title,
});
const guest = (status: number, title: string): ErrorTraits => ({
  status,
  fault: 'guest',
  retryable: false,
  poisons: false,
  title,
});
const cloudlet = (status: number, title: string, poisons = false): ErrorTraits => ({
  status,
  fault: 'cloudlet',
  retryable: true,
  poisons,
  title,
});

/** The error table. */
export const ERRORS = {
  'request-invalid': caller(400, 'The request is not valid'),
  'argument-invalid': caller(400, 'An argument does not fit the WIT type'),
  'unsupported-type': caller(400, 'A WIT type cannot be carried over HTTP yet'),
  unauthorized: caller(401, 'A session is needed'),
  forbidden: caller(403, 'The request is not allowed'),
  'not-found': caller(404, 'There is nothing at this address'),
  'function-unknown': caller(404, 'There is no function of this name'),
  'version-unknown': caller(404, 'The function has no such version'),
  'export-unknown': caller(404, 'The component has no such export'),
  'method-not-allowed': caller(405, 'The method is not allowed here'),
  'not-acceptable': caller(406, 'None of the accepted media types can be produced'),
  'request-timeout': caller(408, 'The request body did not arrive in time'),
  conflict: caller(409, 'The request conflicts with the present state'),
  'door-mismatch': caller(409, 'The component does not offer this way to be called'),
  'body-too-large': caller(413, 'The body is larger than the limit'),
  'body-truncated': caller(400, 'The body ended before its declared length'),
  'media-type-unsupported': caller(415, 'The media type is not supported'),
  'range-unsatisfiable': caller(416, 'The file has no such range'),
  'headers-too-large': caller(431, 'The header of the request is too large'),
  'project-invalid': caller(422, 'The project file is not valid'),
  'build-failed': caller(422, 'The source could not be built'),
  'tool-missing': caller(422, 'A tool that the build needs is not installed'),
  'component-refused': caller(422, 'The component cannot be published'),
  'package-invalid': caller(422, 'The package cannot be read'),
  'grant-invalid': caller(422, 'The grant that is asked for is not valid'),
  'grant-missing': caller(422, 'The component needs what its grant does not ask for, or the cloudlet does not allow'),
  'secret-missing': caller(409, 'A secret that the function needs is not set'),
  'files-missing': { ...caller(503, 'Files of the function have not come'), retryable: true },
  'secret-unknown': caller(404, 'The function has no such secret'),
  'service-unknown': caller(404, 'There is no service of this name'),
  'base-unknown': caller(409, 'The base VM that is needed is not here'),
  'conditions-differ': caller(409, 'The saved VM was made for another computer'),
  'overlay-refused': caller(422, 'The overlay cannot be used'),
  'image-refused': caller(422, 'The saved VM cannot be used'),
  'recipe-invalid': caller(422, 'The recipe is not valid'),
  'recipe-failed': caller(422, 'A step of the recipe failed'),
  'signature-invalid': caller(422, 'The signature does not fit'),
  'requirements-unmet': caller(409, 'The cloudlet does not have what is required'),
  'store-unknown': caller(404, 'The store has no such entry'),
  'not-ready': { ...guest(504, 'The server did not begin to serve in time'), retryable: true },
  interrupted: cloudlet(503, 'The cloudlet ended while it was at work'),
  'too-many-attempts': { ...caller(429, 'Too many wrong tokens'), retryable: true },
  'client-closed': caller(499, 'The caller left before the answer was complete'),
  'guest-trapped': guest(502, 'The function trapped'),
  'guest-response-invalid': guest(502, 'The function did not give a valid answer'),
  'result-too-large': guest(502, 'The result is larger than the limit'),
  'cpu-exceeded': guest(504, 'The function took more processor time than it may'),
  'deadline-exceeded': guest(504, 'The function did not finish by its deadline'),
  'limit-exceeded': guest(502, 'The function asked for more than one of its limits allows'),
  'memory-exceeded': { ...guest(502, 'The sandbox took more memory than its function may have'), poisons: true },
  'machine-failed': cloudlet(502, 'The sandbox failed', true),
  'at-capacity': cloudlet(503, 'The cloudlet has no capacity left'),
  starting: cloudlet(503, 'The cloudlet is starting'),
  draining: cloudlet(503, 'The cloudlet is shutting down'),
  'storage-full': { ...cloudlet(507, 'The cloudlet has no disk space left'), retryable: false },
  'storage-unavailable': { ...cloudlet(503, 'The data directory cannot be used'), retryable: false },
  'storage-corrupt': { ...cloudlet(500, 'Stored bytes do not match their digest'), retryable: false },
  'sandbox-unavailable': { ...cloudlet(503, 'This machine cannot run sandboxes as configured'), retryable: false },
  'network-unavailable': { ...cloudlet(503, 'The network cannot be used as needed'), retryable: false },
  internal: { ...cloudlet(500, 'The cloudlet failed'), retryable: false },
} as const satisfies Record<string, ErrorTraits>;

/** A code of the error table. */
export type ErrorCode = keyof typeof ERRORS;

/** Whether a string that came from outside is a code of the table. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/** A failure that a caller can be told about: a code of the table and a sentence saying what was expected, what came and what to do. */
export class CloudletError extends Error {
  readonly code: ErrorCode;
  /** Seconds after which a retry makes sense, for the `Retry-After` header. */
  readonly retryAfterS: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterS?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CloudletError';
    this.code = code;
    this.retryAfterS = options.retryAfterS;
  }

  get traits(): ErrorTraits {
    return ERRORS[this.code];
  }
}

/** Turns anything thrown into a `CloudletError`; what is not one already becomes `fallback` and keeps its cause. */
export function asCloudletError(thrown: unknown, fallback: ErrorCode = 'internal'): CloudletError {
  if (thrown instanceof CloudletError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CloudletError(fallback, message, { cause: thrown });
}
