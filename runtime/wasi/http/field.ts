/** One header or trailer field: its name as written, and its value's bytes. */
export type FieldEntry = readonly [name: string, value: Uint8Array];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Fields that belong to one connection, which is not the guest's. A guest neither sees nor sets them. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Whether a text is a field name: a token of RFC 9110. */
export function isFieldName(name: string): boolean {
  return TOKEN.test(name);
}

/** Whether bytes are a field value: no line breaks, NUL or other controls but the tab, which would let a guest write headers of its own. */
export function isFieldValue(value: Uint8Array): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const byte = value[at]!;
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) return false;
  }
  return true;
}

export function isForbiddenField(lowerName: string): boolean {
  return FORBIDDEN.has(lowerName);
}

/** The length that the `content-length` fields declare: null when there is none, undefined when they are wrong or disagree. */
export function declaredLength(entries: readonly FieldEntry[]): number | null | undefined {
  let declared: number | null = null;
  for (const [name, value] of entries) {
    if (name.toLowerCase() !== 'content-length') continue;
    const text = String.fromCharCode(...value.subarray(0, 20));
    const length = Number(text);
    if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(length)) return undefined;
    if (declared !== null && declared !== length) return undefined;
    declared = length;
  }
  return declared;
}
