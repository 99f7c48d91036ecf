import type { Duplex } from 'node:stream';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { parseFailure, type StepFailure } from './hardening.ts';

/** Longest report, characters: a process id, a word, and perhaps a step with its path. */
const MAX_REPORT = 8192;

/**
 * Waits until the spawner says that all is set up, then lets it run its program. Resolves to the program's process id, or to
 * the step that failed. Fails with `machine-failed` when the spawner ended without a word.
 */
export function setUp(report: Duplex): Promise<number | StepFailure> {
  return new Promise((resolve, reject) => {
    let said = '';
    report.on('error', () => undefined); // A spawner that ended: 'close' tells.
    report.on('close', () =>
      reject(new CloudletError('machine-failed', 'QEMU could not be started: its spawner ended before it was set up')),
    );
    report.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, MAX_REPORT);
      const lines = said.split('\n').slice(0, -1);
      const failure = lines.map(parseFailure).find((each) => each !== null);
      if (failure) return resolve(failure);
      const pid = lines.map((line) => /^pid (\d+)$/.exec(line)).find((match) => match !== null)?.[1];
      if (pid === undefined || !lines.includes('ready 0')) return;
      resolve(Number(pid));
      report.end('.');
    });
  });
}
