export {
  CHUNK_BYTES,
  Chunker,
  type ChunkLengths,
  chunkLengthsFor,
  chunksOf,
  FINE_CHUNK_BYTES,
  FINE_FILE_BYTES,
} from './chunker.ts';
