// @ts-check
/** Uploads with their progress: `fetch` cannot tell how far one is. */
import { Problem, problemFrom } from './ask.js';

/**
 * Sends a file and resolves with what the cloudlet answered; rejects with a problem when that has another status than expected, or none came.
 * @param {File} file
 * @param {{ method: string, path: string, headers: Readonly<Record<string, string>>, status: number }} request
 * @param {(part: number) => void} onProgress
 * @returns {Promise<any>}
 */
export function upload(file, { method, path, headers, status }, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener('load', () => {
      if (request.status === status) resolve(JSON.parse(request.responseText));
      else reject(problemFrom(request.status, request.responseText));
    });
    request.addEventListener('error', () =>
      reject(
        new Problem(
          'The upload was cut off',
          'The cloudlet may have refused it or stopped. Try again; its log says more.',
          'unreachable',
        ),
      ),
    );
    request.send(file);
  });
}
