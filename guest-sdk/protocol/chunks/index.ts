export { CHUNK_BYTES, Chunker, chunksOf } from './chunker.ts';
