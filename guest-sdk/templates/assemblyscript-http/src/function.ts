// Answers HTTP requests. The module `cloudlet` comes with the build.
import { Request, Response } from 'cloudlet';

export function handle(request: Request): Response {
  if (request.method == 'GET' && request.pathname == '/hello') {
    const name = request.parameter('name');
    return Response.text(`Hello, ${name === null ? 'you' : name}!\n`);
  }
  if (request.method == 'POST' && request.pathname == '/letters') return Response.json(letters(request.text()));
  return Response.text('GET /hello?name=NAME, or POST text to /letters\n', 404);
}

/** How often each letter of the alphabet is in a text. */
function letters(text: string): string {
  const counts = new Uint32Array(26);
  for (let at = 0; at < text.length; at++) {
    const letter = (text.charCodeAt(at) | 0x20) - 0x61;
    if (letter >= 0 && letter < 26) counts[letter]++;
  }
  const found = new Array<string>();
  for (let letter = 0; letter < 26; letter++) {
    if (counts[letter] > 0) found.push(`"${String.fromCharCode(0x61 + letter)}":${counts[letter]}`);
  }
  return `{${found.join(',')}}\n`;
}
