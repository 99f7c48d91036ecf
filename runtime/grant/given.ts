import { type Grant, secretsUsed } from '../../guest-sdk/protocol/index.ts';

/** Values of secrets by name. */
export type SecretValues = Readonly<Record<string, string>>;

/** What a guest is given as text: an entry whose secret is not among the values is left out. */
export interface GivenTexts {
  readonly environment: readonly (readonly [string, string])[];
  readonly arguments: readonly string[];
  readonly configuration: readonly (readonly [string, string])[];
}

/** The texts of a grant with the values of secrets in place of their names. Pure. */
export function givenTexts(
  grant: Pick<Grant, 'environment' | 'arguments' | 'configuration'>,
  secrets: SecretValues = {},
): GivenTexts {
  const resolve = (table: Grant['environment']): [string, string][] =>
    Object.entries(table).flatMap(([key, value]): [string, string][] => {
      if (typeof value === 'string') return [[key, value]];
      return Object.hasOwn(secrets, value.secret) ? [[key, secrets[value.secret]!]] : [];
    });
  return {
    environment: resolve(grant.environment),
    arguments: grant.arguments,
    configuration: resolve(grant.configuration),
  };
}

/** Names of the secrets that a grant's entries refer to and that have no value. */
export function missingSecrets(grant: Grant, known: ReadonlySet<string>): string[] {
  return secretsUsed(grant).filter((name) => !known.has(name));
}
