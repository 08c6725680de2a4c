/** A block whose bytes are not what a writer made; the message names what is wrong. */
export class BlockError extends Error {
  readonly reason: string

  constructor(reason: string, what = 'block') {
    super(`damaged ${what}: ${reason}`)
    this.name = 'BlockError'
    this.reason = reason
  }
}

/** How a hot block is named where damage is told. Only its shard knows it by that; other parts are named by their R2 key. */
export function blockName(firstSeq: number): string {
  return `block ${firstSeq}`
}

/** The block of such a name; undefined when it is no name of a block. */
export function blockOfName(name: string): number | undefined {
  const [, firstSeq] = /^block (\d{1,15})$/.exec(name) ?? []
  return firstSeq === undefined ? undefined : Number(firstSeq)
}
