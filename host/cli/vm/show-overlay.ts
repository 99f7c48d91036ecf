import type { Command } from 'commander';
import { documentSigners } from '../../../guest-sdk/protocol/index.ts';
import { printable } from '../terminal/printable.ts';
import { formatSize } from '../terminal/size.ts';

/** `vm overlay show`: what an overlay file is, on which base, and who signed it. */
export function addShowOverlay(overlay: Command): void {
  overlay
    .command('show <file>')
    .description('what an overlay has in it, the base VM that it is for, and who signed it')
    .option('--json', 'print JSON')
    .action(async (path: string, { json }: { readonly json?: boolean }) => {
      const { openOverlayFile } = await import('../../../runtime/index.ts');
      const file = await openOverlayFile(path);
      try {
        const { digest, manifest, signed } = file.overlay;
        const { about, base, service, conditions, segments } = manifest;
        const publishers = await documentSigners(signed);
        if (json === true) {
          const counted = { bytes: file.bytes, segments: segments.length };
          return console.log(
            JSON.stringify({ file: path, digest, about, base, ...counted, publishers, service, conditions }),
          );
        }
        const rows = [
          ['what', about],
          ['digest', digest],
          ['base', base],
          ['size', `${formatSize(file.bytes)} in ${segments.length} segments`],
          ['runs', service.run],
          ['serves', `${service.protocol} on port ${service.port}`],
          ['for', `${conditions.processor}, QEMU ${conditions.qemu}, ${conditions.accelerator}`],
          ['signed by', publishers.join(', ') || 'nobody'],
        ];
        console.log(`${path}: overlay`);
        for (const [what, value] of rows) console.log(`  ${what!.padEnd(9)}  ${printable(value!)}`);
      } finally {
        await file.close();
      }
    });
}
