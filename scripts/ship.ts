import { endingSignal, interruptedCode, main } from './dev/terminal.ts'
import { parseOptions } from './ship/options.ts'
import { ship } from './ship/run.ts'
import { createTally } from './ship/tally.ts'

await main(async () => {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) return 0
  const ending = endingSignal()
  const tally = createTally()
  try {
    await ship(options, tally, ending)
  } finally {
    console.error(tally.finish().report)
    // Standard input may still be open; nothing more is read from it.
    process.stdin.destroy()
  }
  if (ending.aborted) return interruptedCode
  return tally.finish().complete ? 0 : 1
})
