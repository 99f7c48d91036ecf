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
export {
  DICTIONARY_ENCODING,
  DICTIONARY_HEAD_BYTES,
  dictionaryHead,
  MAX_DICTIONARY_BYTES,
  parseDictionaryHead,
} from './dictionary.ts';
export { MAX_PART_BYTES, MAX_PARTS, Part, WantedParts } from './part.ts';
export { type BatchPart, batchHead, MAX_BATCH_BYTES, PART_BATCH_TYPE, readBatch } from './part-batch.ts';
export { type CloudletFacts, Requirement, Requirements, unmetRequirements } from './requirement.ts';
export {
  DeploymentRequest,
  type DeploymentRequestInput,
  FunctionWish,
  MAX_DICTIONARIES,
  parseDeploymentRequest,
  ServiceWish,
  StoreWish,
} from './wish.ts';
