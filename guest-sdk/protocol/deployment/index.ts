export {
  AcceptedDeployment,
  DEPLOYMENT_RUNGS,
  Deployment,
  type DeploymentEvent,
  DeploymentList,
  DeploymentLog,
  type DeploymentRung,
  isEnded,
  RungChange,
} from './deployment.ts';
export { MAX_PART_BYTES, MAX_PARTS, Part, WantedParts } from './part.ts';
export { type CloudletFacts, Requirement, Requirements, unmetRequirements } from './requirement.ts';
export {
  DeploymentRequest,
  type DeploymentRequestInput,
  FunctionWish,
  parseDeploymentRequest,
  ServiceWish,
  StoreWish,
} from './wish.ts';
