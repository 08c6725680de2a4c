/** A block whose bytes are not what a writer made; the message names what is wrong. */
export class BlockError extends Error {
  constructor(reason: string) {
    super(`damaged block: ${reason}`)
    this.name = 'BlockError'
  }
}
