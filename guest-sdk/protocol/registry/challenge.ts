/** How a registry wants to be asked. */
export type Challenge =
  | { readonly kind: 'basic' }
  | {
      readonly kind: 'bearer';
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

/** Reads `WWW-Authenticate` of a registry; null when it asks for what is not known here. */
export function parseChallenge(field: string): Challenge | null {
  const bearer = /(?:^|,\s*)bearer\s+(.*)$/i.exec(field)?.[1];
  if (bearer !== undefined) {
    const values = new Map<string, string>();
    for (const [, name, quoted, plain] of bearer.matchAll(/([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi))
      values.set(name!.toLowerCase(), quoted ?? plain ?? '');
    const realm = values.get('realm');
    if (realm === undefined) return null;
    return { kind: 'bearer', realm, service: values.get('service'), scope: values.get('scope') };
  }
  return /(?:^|,\s*)basic(\s|$)/i.test(field) ? { kind: 'basic' } : null;
}
