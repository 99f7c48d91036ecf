/** How plain data travels: as JSON text, or as MessagePack, which also knows bytes and integers of 64 bits. */
export type ValueFormat = 'json' | 'msgpack';
