/** How a WIT function reports failure: where its error type is a string an `Error` can stand for it, else only a value of the type can. */
export type ErrorForm = 'none' | 'string' | 'value';
