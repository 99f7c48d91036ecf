import {
  CloudletError,
  type CloudletFacts,
  type DeploymentRequest,
  unmetRequirements,
} from '../../../guest-sdk/protocol/index.ts';

/** Compares what is required with what this cloudlet has; `requirements-unmet` says what is missing for each alternative. */
export async function expectRequirements(
  requirements: DeploymentRequest['requirements'],
  facts: () => Promise<CloudletFacts>,
): Promise<void> {
  const unmet = requirements.length === 0 ? null : unmetRequirements(requirements, await facts());
  if (unmet === null) return;
  const all = unmet.map((clause, at) => (unmet.length === 1 ? clause : `${at + 1}: ${clause}`)).join('; ');
  throw new CloudletError('requirements-unmet', `expected a cloudlet that has what is required, but ${all}`);
}
