/** The package describes its main entry only; this entry has the same names. */
declare module 'msgpackr/index-no-eval' {
  export { Packr, RESET_BUFFER_MODE } from 'msgpackr';
}
