interface FieldSize {
  readonly fieldName?: string;
  readonly fieldSize?: number;
}

/** Codes that say no more than their name. */
export const PLAIN_HTTP_ERRORS = [
  'DNS-timeout',
  'destination-not-found',
  'destination-unavailable',
  'destination-IP-prohibited',
  'destination-IP-unroutable',
  'connection-refused',
  'connection-terminated',
  'connection-timeout',
  'connection-read-timeout',
  'connection-write-timeout',
  'connection-limit-reached',
  'TLS-protocol-error',
  'TLS-certificate-error',
  'HTTP-request-denied',
  'HTTP-request-length-required',
  'HTTP-request-method-invalid',
  'HTTP-request-URI-invalid',
  'HTTP-request-URI-too-long',
  'HTTP-response-incomplete',
  'HTTP-response-timeout',
  'HTTP-upgrade-failed',
  'HTTP-protocol-error',
  'loop-detected',
  'configuration-error',
] as const;

/** Codes that may say how large the body is. */
export const BODY_HTTP_ERRORS = ['HTTP-request-body-size', 'HTTP-response-body-size'] as const;

/** Codes that may say how large the fields together are. */
export const SECTION_HTTP_ERRORS = [
  'HTTP-request-header-section-size',
  'HTTP-request-trailer-section-size',
  'HTTP-response-header-section-size',
  'HTTP-response-trailer-section-size',
] as const;

/** `wasi:http/types#error-code`, in the shape that the glue uses. */
export type HttpErrorCode =
  | { readonly tag: (typeof PLAIN_HTTP_ERRORS)[number] }
  | { readonly tag: 'DNS-error'; readonly val: { readonly rcode?: string; readonly infoCode?: number } }
  | { readonly tag: 'TLS-alert-received'; readonly val: { readonly alertId?: number; readonly alertMessage?: string } }
  | { readonly tag: (typeof BODY_HTTP_ERRORS)[number]; readonly val: bigint | undefined }
  | { readonly tag: (typeof SECTION_HTTP_ERRORS)[number]; readonly val: number | undefined }
  | { readonly tag: 'HTTP-request-header-size'; readonly val: FieldSize | undefined }
  | {
      readonly tag: 'HTTP-request-trailer-size' | 'HTTP-response-header-size' | 'HTTP-response-trailer-size';
      readonly val: FieldSize;
    }
  | {
      readonly tag: 'HTTP-response-transfer-coding' | 'HTTP-response-content-coding' | 'internal-error';
      readonly val: string | undefined;
    };
