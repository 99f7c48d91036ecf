import { readFile } from 'node:fs/promises';

/** A cast of a function to a type of other parameters or results, by place: `src/job.c:96`. */
export interface PointerCast {
  readonly place: string;
  readonly sentence: string;
}

/** Casts of functions between unlike types that clang has logged (`CC_LOG_DIAGNOSTICS`); none when it logged nothing. */
export async function pointerCasts(log: string): Promise<PointerCast[]> {
  const text = await readFile(log, 'utf8').catch(() => '');
  const casts = new Map<string, PointerCast>();
  for (const [, body] of text.matchAll(/<dict>\s*<key>level<\/key>([\s\S]*?)<\/dict>/g)) {
    const value = (key: string) =>
      new RegExp(`<key>${key}</key>\\s*<(?:string|integer)>([\\s\\S]*?)</`).exec(body ?? '')?.[1] ?? '';
    if (
      !/^(cast-function-type|incompatible-function-pointer-types|incompatible-pointer-types)/.test(
        value('WarningOption'),
      )
    )
      continue;
    const sentence = plain(value('message'));
    if (!changesType(sentence)) continue;
    const place = `${plain(value('filename'))}:${value('line')}`;
    casts.set(place, { place, sentence });
  }
  return [...casts.values()];
}

/** Pointers are all alike in WebAssembly: only casts between types that differ there matter. */
function changesType(sentence: string): boolean {
  const types = [...sentence.matchAll(/'([^']*\([^']*)'/g)].map(([, type]) => coreType(type!));
  return types.length < 2 || new Set(types.slice(0, 2)).size > 1 || types.some((type) => type === null);
}

/** `i32(i32,i64)` of a C type such as `int (*)(void *, long long)`; null for one that cannot be told. */
function coreType(type: string): string | null {
  const match = /^(.*?)\s*\(\*?\s*\)\s*\((.*)\)$|^(.*?)\s*\((.*)\)$/.exec(type);
  if (match === null) return null;
  const [result, list] = [match[1] ?? match[3]!, match[2] ?? match[4]!];
  if (list.includes('(')) return null;
  const parameters = list === 'void' || list === '' ? [] : list.split(',').map((each) => coreValue(each.trim()));
  const answer = coreValue(result.trim());
  return answer === null || parameters.includes(null) ? null : `${answer}(${parameters.join(',')})`;
}

function coreValue(type: string): string | null {
  if (/\*|\]$/.test(type)) return 'i32';
  const words = type.replaceAll(/\b(const|volatile|register|restrict)\b/g, '').trim();
  if (words === 'void') return 'void';
  if (
    /^(unsigned |signed )?(char|short|int|long|unsigned|signed)( int)?$|^(_Bool|bool|size_t|ssize_t|wchar_t)$/.test(
      words,
    )
  )
    return 'i32';
  if (/^enum /.test(words)) return 'i32';
  if (/^(unsigned |signed )?long long( int)?$/.test(words)) return 'i64';
  if (words === 'float') return 'f32';
  if (words === 'double') return 'f64';
  return null;
}

function plain(text: string): string {
  return text
    .replaceAll('&apos;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
