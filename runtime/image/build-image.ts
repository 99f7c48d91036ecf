import { chmod, copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { IMAGE_FILES, type ImageManifest } from './base-image.ts';
import { runCommand } from './command.ts';
import { makeFileSystem } from './file-system.ts';
import { digestFile, type ImageInputs, LOADER } from './image-inputs.ts';
import { initProgram } from './init-program.ts';
import { makeInitrd } from './initrd.ts';
import { readKernelFiles } from './kernel-files.ts';

/** What a build does now, in order. */
export type BuildStage = 'packages' | 'kernel' | 'initrd' | 'root';

/** Told at the begin of each stage. */
export type BuildProgress = (stage: BuildStage, done: number, total: number) => void;

const STAGES: readonly BuildStage[] = ['packages', 'kernel', 'initrd', 'root'];

/** The user that the agent runs as inside the guest. */
const AGENT_USER = 'agent:x:1000:1000:agent:/tmp:/bin/false\n';

/** Builds the files of an image into an empty directory and gives its manifest. Uses `scratch` beside it and removes that. */
export async function buildImage(
  inputs: ImageInputs,
  directory: string,
  options: { readonly onProgress?: BuildProgress; readonly signal?: AbortSignal },
): Promise<ImageManifest> {
  const scratch = `${directory}.scratch`;
  const begin = (stage: BuildStage) => options.onProgress?.(stage, STAGES.indexOf(stage), STAGES.length);
  try {
    begin('packages');
    const { vmlinux, modules } = await readKernelFiles(inputs.kernel, join(scratch, 'packages'), options.signal);
    begin('kernel');
    await writeFile(join(directory, IMAGE_FILES.kernel), vmlinux);
    begin('initrd');
    await writeFile(join(directory, IMAGE_FILES.initrd), makeInitrd(initProgram(), modules));
    begin('root');
    await makeRootTree(inputs, join(scratch, 'root'));
    await makeFileSystem(join(scratch, 'root'), join(directory, IMAGE_FILES.root), scratch, options.signal);
    const files: Record<string, { bytes: number; sha256: string }> = {};
    for (const file of Object.values(IMAGE_FILES)) {
      const path = join(directory, file);
      await chmod(path, 0o644);
      files[file] = { bytes: (await stat(path)).size, sha256: await digestFile(path) };
    }
    return { format: 2, kernel: inputs.kernel, own: inputs.own, node: await versionOf(inputs.node), files };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Version of a Node binary, such as `v24.21.0`. */
async function versionOf(node: string): Promise<string> {
  return node === process.execPath ? process.version : (await runCommand(node, ['--version'])).trim();
}

async function makeRootTree(inputs: ImageInputs, root: string): Promise<void> {
  for (const directory of ['bin', 'lib', 'lib64', 'etc', 'agent', 'dev', 'proc', 'sys', 'tmp']) {
    await mkdir(join(root, directory), { recursive: true });
  }
  await copyFile(inputs.node, join(root, 'bin/node'));
  await chmod(join(root, 'bin/node'), 0o755);
  for (const library of inputs.libraries) await copyFile(library, join(root, 'lib', basename(library)));
  await copyFile(LOADER, join(root, LOADER));
  await chmod(join(root, LOADER), 0o755);
  await writeFile(join(root, 'etc/passwd'), `root:x:0:0:root:/:/bin/false\n${AGENT_USER}`);
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nagent:x:1000:\n');
  await writeFile(join(root, 'agent/agent.mjs'), inputs.agent);
}
