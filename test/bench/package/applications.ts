import type { DebianProgram } from '../../support/debian-program.ts';
import { FLITE, GOCR, POCKETSPHINX, type ProgramData } from '../../support/debian-programs.ts';

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
const SPHINX_LINE = 'config = cmd_ln_parse_r(NULL, ps_args_def, argc, argv, TRUE);';

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
    name: 'pocketsphinx',
    title: 'pocketsphinx, 37 MB of model',
    program: POCKETSPHINX,
    debian: ['pocketsphinx', 'pocketsphinx-en-us'],
    change: {
      file: 'pocketsphinx-5prealpha/src/programs/batch.c',
      from: SPHINX_LINE,
      to: `${check('argc')}\n    ${SPHINX_LINE}`,
    },
  },
];
