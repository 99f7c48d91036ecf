/** Source to component: the door `cloudlet/build`. Needs Node. */

export { signRecipe } from '../protocol/index.ts';
export { type Build, type Builder, type BuildOptions, build, openBuilder } from './build.ts';
export { findClang, INSTALL_C_TOOLS, INSTALL_CXX_TOOLS } from './c/clang.ts';
export { CASES_FILE, type Case, hasCases, readCases } from './cases.ts';
export { type CaseDoors, type CheckedCase, caseName, checkCase } from './check-case.ts';
export { describeComponent, describePackage } from './describe-version.ts';
export { type DevelopEvent, type DevelopOptions, develop } from './dev/develop.ts';
export { projectChanges } from './dev/project-changes.ts';
export type { ProgramBuild } from './foreign/build-program.ts';
export { ABSENT_GROUPS, ABSENT_SYMBOLS } from './foreign/refused-symbol.ts';
export { INSTALL_PROGRAM_TOOLS, missingProgramTools } from './foreign/toolchain.ts';
export { missingTools } from './missing-tools.ts';
export {
  goesAlone,
  type PackOptions,
  pack,
  packBuilt,
  packComponent,
  packProject,
  type SignablePackage,
  sign,
} from './pack.ts';
export type { BuildProgress, BuildStage } from './progress.ts';
export { PROJECT_FILE, type Project, ProjectFile, readGrant, readProject } from './project.ts';
export { projectSchema } from './project-schema.ts';
export { sourceDigest } from './provenance.ts';
export {
  checkPackage,
  isPackageFile,
  type OpenedPackage,
  readPackageBytes,
  readPackageFile,
} from './read-package-file.ts';
export { type LocalRecipe, type RecipeBytes, readRecipeFile } from './recipe-file.ts';
export { findRust, INSTALL_RUST_TOOLS } from './rust/toolchain.ts';
export { scaffold } from './scaffold.ts';
export { isTemplateName, TEMPLATES, type TemplateName } from './template.ts';
export { runTestFile, TEST_FILE_MS, type TestFileOptions, testFilesOf } from './testing/test-file.ts';
export type { TestEnd, TestedFunction } from './testing/test-line.ts';
export * from './trace/index.ts';
export { type TypesSource, typescriptClient } from './typescript/typescript-client.ts';
