/** Who claims processors for the sandboxes of a function: they share what one with a single sandbox has alone. `program`: its name. */
export function claimantOf(program: string): string {
  return `function-${program}`;
}
