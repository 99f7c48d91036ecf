/**
 * Says a JSON text in a line of standard output, and is done when the system has it: whatever kills this process then, the line is read. While its
 * reader is slow, a line that nobody waits for stays in this process and dies with it.
 */
export function sayLine(line: object): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${JSON.stringify(line)}\n`, (error) => (error ? reject(error) : resolve()));
  });
}
