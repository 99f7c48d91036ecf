/** Gets the source that `npx cloudlet build examples/ocr` builds. */
import { fileURLToPath } from 'node:url';
import { debianSource } from '../debian.mjs';

await debianSource({
  package: 'gocr',
  archive: 'gocr_0.52.orig.tar.gz',
  sha256: 'df906463105f5f4273becc2404570f187d4ea52bd5769d33a7a8661a747b8686',
  folder: fileURLToPath(new URL('build', import.meta.url)),
});
