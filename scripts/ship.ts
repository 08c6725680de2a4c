import { main } from './dev/terminal.ts'
import { parseOptions, usage } from './ship/options.ts'
import { ship } from './ship/run.ts'
import { createTally } from './ship/tally.ts'

await main(async () => {
  const options = parseOptions(process.argv.slice(2))
  if (!options) {
    console.log(usage)
    return 0
  }
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())
  const tally = createTally()
  try {
    await ship(options, tally, stopping.signal)
  } finally {
    const { report } = tally.finish()
    console.error(report)
    // Standard input may still be open; nothing more is read from it.
    process.stdin.destroy()
  }
  if (stopping.signal.aborted) return 130
  return tally.finish().complete ? 0 : 1
})
