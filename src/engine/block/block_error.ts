/** A block whose bytes are not what a writer made; the message names what is wrong. */
export class BlockError extends Error {
  readonly reason: string

  constructor(reason: string, what = 'block') {
    super(`damaged ${what}: ${reason}`)
    this.name = 'BlockError'
    this.reason = reason
  }
}
