/** Bytes of a cluster of the layers that are written here: a page. */
export const LAYER_CLUSTER_BYTES = 4096;

/** What a layer is to hold. */
export interface LayerContent {
  /** A multiple of the cluster. */
  readonly diskBytes: number;
  /** Clusters of the file, after the header's, that hold data or are free. */
  readonly dataClusters: number;
  /** Cluster of the disk → which cluster of the file has it, 1 to `dataClusters`, each once; 0 for zeros. */
  readonly places: ReadonlyMap<number, number>;
}

/** Bytes at a place of a file. */
export interface FilePiece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

const CLUSTER_BITS = 12;
const ENTRIES = LAYER_CLUSTER_BYTES / 8;
/** Counters of 16 bits in a cluster. */
const COUNTERS = LAYER_CLUSTER_BYTES / 2;
const COPIED = 1n << 63n;
const ZERO = 1n;

/**
 * What makes a qcow2 file of data clusters that are in their places: its header, and the tables behind them. No name of a layer below is in
 * it. The same content gives the same bytes, in whatever order it came. Pure.
 */
export function qcow2Pieces({ diskBytes, dataClusters, places }: LayerContent): readonly FilePiece[] {
  const l1Entries = Math.max(1, Math.ceil(diskBytes / (LAYER_CLUSTER_BYTES * ENTRIES)));
  const tables = [...new Set([...places.keys()].map((cluster) => Math.floor(cluster / ENTRIES)))].sort((a, b) => a - b);
  const l1Clusters = Math.ceil((l1Entries * 8) / LAYER_CLUSTER_BYTES);
  const firstTable = 1 + dataClusters;
  const l1Cluster = firstTable + tables.length;
  const counted = l1Cluster + l1Clusters;
  const { tableClusters, blocks } = counterClusters(counted);
  const tail = Buffer.alloc((tables.length + l1Clusters + tableClusters + blocks) * LAYER_CLUSTER_BYTES);
  const at = (cluster: number) => (cluster - firstTable) * LAYER_CLUSTER_BYTES;
  const tableOf = new Map(tables.map((index, position) => [index, firstTable + position]));
  for (const [index, cluster] of tableOf) tail.writeBigUInt64BE(offsetOf(cluster) | COPIED, at(l1Cluster) + index * 8);
  for (const [cluster, place] of places) {
    const entry = at(tableOf.get(Math.floor(cluster / ENTRIES))!) + (cluster % ENTRIES) * 8;
    tail.writeBigUInt64BE(place === 0 ? ZERO : offsetOf(place) | COPIED, entry);
  }
  const counterTable = counted;
  const firstBlock = counted + tableClusters;
  for (let block = 0; block < blocks; block++)
    tail.writeBigUInt64BE(offsetOf(firstBlock + block), at(counterTable) + block * 8);
  const count = (cluster: number) => tail.writeUInt16BE(1, at(firstBlock) + cluster * 2);
  count(0);
  for (const place of places.values()) if (place !== 0) count(place);
  for (let cluster = firstTable; cluster < firstBlock + blocks; cluster++) count(cluster);
  const header = headerOf({ diskBytes, l1Entries, l1Cluster, counterTable, tableClusters });
  return [
    { at: 0, bytes: header },
    { at: firstTable * LAYER_CLUSTER_BYTES, bytes: tail },
  ];
}

/** Clusters that count the file's clusters, themselves among them. */
function counterClusters(others: number): { tableClusters: number; blocks: number } {
  let [tableClusters, blocks] = [1, 1];
  for (;;) {
    const needed = Math.ceil((others + tableClusters + blocks) / COUNTERS);
    const tables = Math.ceil((needed * 8) / LAYER_CLUSTER_BYTES);
    if (needed <= blocks && tables <= tableClusters) return { tableClusters, blocks };
    blocks = Math.max(blocks, needed);
    tableClusters = Math.max(tableClusters, tables);
  }
}

function headerOf(header: {
  readonly diskBytes: number;
  readonly l1Entries: number;
  readonly l1Cluster: number;
  readonly counterTable: number;
  readonly tableClusters: number;
}): Uint8Array {
  const bytes = Buffer.alloc(LAYER_CLUSTER_BYTES);
  bytes.write('QFI\xfb', 0, 'latin1');
  bytes.writeUInt32BE(3, 4);
  bytes.writeUInt32BE(CLUSTER_BITS, 20);
  bytes.writeBigUInt64BE(BigInt(header.diskBytes), 24);
  bytes.writeUInt32BE(header.l1Entries, 36);
  bytes.writeBigUInt64BE(offsetOf(header.l1Cluster), 40);
  bytes.writeBigUInt64BE(offsetOf(header.counterTable), 48);
  bytes.writeUInt32BE(header.tableClusters, 56);
  bytes.writeUInt32BE(4, 96); // Counters of 2^4 bits.
  bytes.writeUInt32BE(104, 100);
  return bytes;
}

function offsetOf(cluster: number): bigint {
  return BigInt(cluster) * BigInt(LAYER_CLUSTER_BYTES);
}
