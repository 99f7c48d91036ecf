import { SourceMap, type SourceMapPayload } from 'node:module';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as v from 'valibot';
import { findCustomSection, withCustomSection, withoutCustomSection } from './binary/custom-section.ts';

/** Custom section of a component with the source map of its program: deflated JSON. Loaded by no machine and sent to no caller of the function. */
export const SOURCE_MAP_SECTION = 'cloudlet:source-map';

/** Longest source map, bytes of JSON: the component's author chooses it, the host reads it. */
const MAX_MAP_BYTES = 32 * 1024 * 1024;
/** Longest text whose positions are mapped, characters. */
const MAX_TEXT = 64 * 1024;

/** A program and a position in it as the engines write them: `componentize-qjs:user.js:8:60`, `function.js:8:60`, `"function.js", 8`. */
const POSITION = /(?:componentize-qjs:user\.js|\bfunction\.js)(?::(\d{1,7})(?::(\d{1,7}))?|", (\d{1,7}))/g;

const Map3 = v.object({
  version: v.literal(3),
  sources: v.array(v.string()),
  names: v.optional(v.array(v.string()), []),
  mappings: v.string(),
});

/** Replaces positions in an engine's program, as stacks have them, by those in the author's own files. */
export type StackMap = (text: string) => string;

/** Whether a text may have a position that a stack map replaces. */
export function hasPosition(text: string): boolean {
  return text.includes('.js') && text.search(POSITION) >= 0;
}

/** A component with the source map of its program, as JSON. */
export function withSourceMap(component: Uint8Array, json: string): Uint8Array {
  return withCustomSection(component, SOURCE_MAP_SECTION, deflateRawSync(json));
}

/** A component without its source map: what it does is the same. */
export function withoutSourceMap(component: Uint8Array): Uint8Array {
  return withoutCustomSection(component, SOURCE_MAP_SECTION);
}

/** The stack map that a source map, as JSON, makes; null when it is none. */
export function stackMapOf(json: string): StackMap | null {
  try {
    const map = new SourceMap(v.parse(Map3, JSON.parse(json)) as unknown as SourceMapPayload);
    return (text) => (text.length > MAX_TEXT ? text : text.replace(POSITION, positionIn(map)));
  } catch {
    return null;
  }
}

/** The stack map of a component; null when it has none that can be read, which keeps nobody from running it. */
export function readStackMap(component: Uint8Array): StackMap | null {
  try {
    const section = findCustomSection(component, SOURCE_MAP_SECTION);
    if (section === null) return null;
    return stackMapOf(inflateRawSync(section.content, { maxOutputLength: MAX_MAP_BYTES }).toString());
  } catch {
    return null;
  }
}

function positionIn(map: SourceMap) {
  return (found: string, line?: string, column?: string, alone?: string): string => {
    const at = Number(line ?? alone) - 1;
    // Of a line without a column what stands last in it is said.
    const entry = map.findEntry(at, column === undefined ? Number.MAX_SAFE_INTEGER : Math.max(0, Number(column) - 1));
    if (!('originalSource' in entry) || entry.originalSource === undefined || entry.generatedLine !== at) return found;
    const place = `${entry.originalSource}:${entry.originalLine + 1}`;
    if (alone !== undefined) return `${entry.originalSource}", ${entry.originalLine + 1}`;
    return column === undefined ? place : `${place}:${entry.originalColumn + 1}`;
  };
}
