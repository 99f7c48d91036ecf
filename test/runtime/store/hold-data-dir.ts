/** Run by `data-dir.test.ts`: opens the data directory named first, says so, and holds it until it is killed. */
import { DataDir } from '../../../runtime/store/index.ts';

await DataDir.open(process.argv[2]!);
process.stdout.write('open\n');
setInterval(() => {}, 60_000);
