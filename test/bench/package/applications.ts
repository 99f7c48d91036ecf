import type { DebianProgram } from '../../support/debian-program.ts';
import { FLITE, GOCR, MECAB, type ProgramData } from '../../support/debian-programs.ts';

/** A program of Debian, unmodified, that is measured as a package. */
export interface PackagedApplication {
  /** Part of the names of figures. */
  readonly name: string;
  readonly title: string;
  readonly program: DebianProgram & { readonly data?: ProgramData };
  /** The package of Debian that brings it, and its data where that is another one. */
  readonly debian: readonly string[];
  /** What its next version has otherwise: one place of its source, which stands there once. */
  readonly change: { readonly file: string; readonly from: string; readonly to: string };
}

/** A check that a next version may have begun to make, in C. */
function check(count: string): string {
  return `if (${count} > 60) { fprintf(stderr, "expected at most 60 words, got %d\\n", ${count}); return 2; }`;
}

const GOCR_LINE = 'setvbuf(stdout, (char *) NULL, _IONBF, 0);';
const FLITE_LINE = 'flite_set_lang_list(); /* defined at compilation time */';
const MECAB_LINE =
  'if (!load_dictionary_resource(&param)) {\n    std::cout << param.what() << std::endl;\n    return EXIT_SUCCESS;';

/** The programs, by the data that they bring. */
export const PACKAGED: readonly PackagedApplication[] = [
  {
    name: 'gocr',
    title: 'gocr, no data',
    program: GOCR,
    debian: ['gocr'],
    change: { file: 'src/gocr.c', from: GOCR_LINE, to: `${check('argn')}\n  ${GOCR_LINE}` },
  },
  {
    name: 'flite',
    title: 'flite, 8 MB of voices',
    program: FLITE,
    debian: ['flite'],
    change: { file: 'main/flite_main.c', from: FLITE_LINE, to: `${FLITE_LINE}\n    ${check('argc')}` },
  },
  {
    name: 'mecab',
    title: 'mecab, 53 MB of dictionary',
    program: MECAB,
    debian: ['mecab', 'mecab-ipadic-utf8'],
    change: { file: 'src/tagger.cpp', from: MECAB_LINE, to: `${check('argc')}\n  ${MECAB_LINE}` },
  },
];
