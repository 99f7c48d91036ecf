import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findClang, INSTALL_C_TOOLS, INSTALL_CXX_TOOLS, STB_FOLDER } from './c/clang.ts';
import { INSTALL_PROGRAM_TOOLS, missingProgramTools } from './foreign/toolchain.ts';
import { type Project, readProject } from './project.ts';
import { findRust, INSTALL_RUST_TOOLS, RUST_TOOLS } from './rust/toolchain.ts';

/**
 * What this machine lacks to build the project in `folder`, as a sentence with the remedy; null when it lacks nothing.
 * TypeScript needs nothing beyond this package.
 * @throws CloudletError `project-invalid` like `build`.
 */
export async function missingTools(folder: string): Promise<string | null> {
  return missingFor(await readProject(folder));
}

/** The same for a project that has been read. */
export async function missingFor(project: Project): Promise<string | null> {
  if (project.component !== null) return null;
  const { language } = project;
  if (project.program !== null) {
    const lacking = await missingProgramTools();
    return lacking === null ? null : `${project.name} needs ${lacking}: run \`${INSTALL_PROGRAM_TOOLS}\`.`;
  }
  if (language === 'rust') {
    if ((await findRust()) !== null) return null;
    return `${project.name} needs ${RUST_TOOLS}: run \`${INSTALL_RUST_TOOLS}\`.`;
  }
  if (language !== 'c' && language !== 'c++') return null;
  const missing: string[] = [];
  if ((await findClang(language)) === null)
    missing.push(language === 'c' ? 'clang, lld and wasi-libc' : 'clang, lld, wasi-libc and libc++ for WebAssembly');
  missing.push(...(await missingStbHeaders(project)));
  const install = language === 'c' ? INSTALL_C_TOOLS : INSTALL_CXX_TOOLS;
  return missing.length === 0 ? null : `${project.name} needs ${missing.join(' and ')}: run \`${install}\`.`;
}

/** Headers of libstb-dev that the sources include and that are not here. */
async function missingStbHeaders(project: Project): Promise<string[]> {
  const texts = await Promise.all(project.entries.map((entry) => readFile(entry, 'utf8')));
  const headers = texts.flatMap((text) =>
    [...text.matchAll(/^\s*#\s*include\s*<(stb_\w+\.h)>/gm)].flatMap((match) => match[1] ?? []),
  );
  const missing: string[] = [];
  for (const header of new Set(headers)) {
    await access(join(STB_FOLDER, header)).catch(() => missing.push(header));
  }
  return missing;
}
