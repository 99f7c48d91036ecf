import { CloudletError, type ErrorCode } from '../../guest-sdk/protocol/index.ts';

/** Codes of the OCI distribution specification that are told by what is asked for, not by the kind of error alone. */
export type RegistryCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNSUPPORTED';

/** A refusal that a registry's client knows by a code of its own. */
export class RegistryRefusal extends CloudletError {
  readonly registryCode: RegistryCode;

  constructor(registryCode: RegistryCode, code: ErrorCode, message: string) {
    super(code, message);
    this.registryCode = registryCode;
  }
}
