/** Source to component: the door `cloudlet/build`. Needs Node. */
export { type Build, type BuildOptions, build } from './build.ts';
export { findClang, INSTALL_C_TOOLS } from './c/clang.ts';
export { missingTools } from './missing-tools.ts';
export type { BuildProgress, BuildStage } from './progress.ts';
export { type GrantWishes, PROJECT_FILE, type Project, readProject } from './project.ts';
export { isTemplateName, scaffold, TEMPLATES, type TemplateName } from './scaffold.ts';
