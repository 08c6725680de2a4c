/** What the engine and the shard need of R2; a map in tests. Every method may reject: storage is across a network. */
export interface ObjectStore {
  /** Bytes start to end (exclusive) of an object, fewer when it ends before; undefined when there is no such object. */
  read(key: string, start: number, end: number): Promise<Uint8Array | undefined>
  /** Writes a whole object; a repeat overwrites. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Deletes objects; those that do not exist count as deleted. */
  delete(keys: readonly string[]): Promise<void>
}
