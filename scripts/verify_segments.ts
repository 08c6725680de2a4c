import { sealAgeSecondsDefault, sealBytesDefault } from '../src/core/limits.ts'
import { connectionFor } from './dev/settings.ts'
import { bar, main, parseFlags, plural, progressLine, seconds, thousands } from './dev/terminal.ts'
import { connectService } from './verify_segments/service.ts'
import { verifySegments } from './verify_segments/verify.ts'

const usage = `Verifies that nothing of what is sealed was altered or lost: reads every segment of the organization, recomputes its
SHA-256, the hash chain of the manifest, and the account of rows and sequence numbers.

  npm run verify-segments -- [options]

  --url URL           where Edgelog is (default: EDGELOG_URL, else the server of npm start)
  --key KEY           API key with logs:segments (default: EDGELOG_API_KEY, else the key that npm start made)

Exit code: 0 when all is as it was stored, 1 when something is wrong; what it is is said.`

const flags = { url: { type: 'string' }, key: { type: 'string' } } as const

const problemsShown = 50

const nothingSealed = `Nothing is sealed yet: logs are sealed after ${sealAgeSecondsDefault / 60} minutes, or ${sealBytesDefault / 2 ** 20} MiB.`

await main(async () => {
  const values = parseFlags(usage, { options: flags })?.values
  if (values === undefined) return 0
  const connection = connectionFor(values.url, values.key)
  const began = performance.now()
  const line = progressLine()
  const { problems, ...sums } = await verifySegments(connectService(connection), (done, total, bytes) =>
    line.update(() => `${bar(done, total)}${done} of ${plural(total, 'segment')}, ${thousands(bytes)} bytes`),
  ).finally(() => line.end())
  const replaced = sums.replaced === 0 ? '' : ` ${plural(sums.replaced, 'segment')} replaced meanwhile.`
  console.log(
    `${plural(sums.shards, 'shard')}, ${plural(sums.operations, 'operation')}, ${plural(sums.segments, 'segment')} with ` +
      `${plural(sums.rows, 'row')} and ${plural(sums.bytes, 'byte')} read in ${seconds(performance.now() - began)}.${replaced}`,
  )
  if (problems.length === 0 && sums.operations === 0 && sums.segments === 0) {
    console.log(nothingSealed)
    return 0
  }
  if (problems.length === 0) {
    console.log('All is as it was stored: every hash, the chain of the manifest, and the account of rows and sequence numbers.')
    return 0
  }
  console.error(`\nWrong: ${problems.length}`)
  for (const problem of problems.slice(0, problemsShown)) console.error(`  ${problem}`)
  if (problems.length > problemsShown) console.error(`  and ${problems.length - problemsShown} more`)
  return 1
})
