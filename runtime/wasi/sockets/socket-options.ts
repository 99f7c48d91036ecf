const MAX_DURATION = 2n ** 64n - 1n;

/**
 * The options of a socket as the guest sets and reads them. The socket is the host's: it remembers them, which is all that WASI asks
 * ("may be clamped or ignored"), and what it cannot hold is `invalid-argument`.
 */
export class SocketOptions {
  keepAlive = false;
  hopLimit = 64;
  keepAliveCount = 9;
  receiveBufferBytes = 65_536n;
  sendBufferBytes = 65_536n;
  keepAliveIdleNs = 7_200_000_000_000n;
  keepAliveIntervalNs = 75_000_000_000n;

  /** The value, unless it is 0, which no option can be. */
  static positive<Value extends number | bigint>(value: Value): Value {
    if (BigInt(value) === 0n || BigInt(value) > MAX_DURATION) throw 'invalid-argument';
    return value;
  }
}
