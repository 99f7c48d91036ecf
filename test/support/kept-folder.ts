import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Folder of what the runner and the checks keep between runs; each makes it when it writes there. */
export const KEPT_FOLDER = join(tmpdir(), `cloudlet-test-runs-${userInfo().uid}`);
