import { demoEmail, demoPassword, ensureDemoTenant } from './dev/demo_tenant.ts'
import { ensureDevSecrets } from './dev/secrets.ts'
import { migrateLocalDatabase, refuseSharedState, refuseTakenPort, startDevServer } from './dev/server.ts'
import { portFromEnvironment, readConnection, writeConnection } from './dev/settings.ts'
import { readCrons, startTicks } from './dev/ticks.ts'
import type { Ticks } from './dev/ticks.ts'
import { aborted, endingSignal, interruptedCode, main, step } from './dev/terminal.ts'
import { sendDemoLogs } from './seed/send_logs.ts'

/** Enough to search in, sent in a second. */
const firstLogs = 5_000

await main(async () => {
  const ending = endingSignal()
  const port = portFromEnvironment()
  await refuseTakenPort(port)
  const known = readConnection()
  if (known !== undefined) await refuseSharedState(known.url)
  if (await ensureDevSecrets()) console.log('Development secrets ... made in .dev.vars')
  await step('Database migrations', () => migrateLocalDatabase(ending))
  const demo = await step(
    'Demo tenant',
    () => ensureDemoTenant({ needKey: !known }),
    ({ users }) => (users > 0 ? `${users} users made` : 'there'),
  )
  ending.throwIfAborted()
  const server = await step(
    'Server',
    () => startDevServer(port, ending),
    () => 'ready',
  )
  let ticks: Ticks | undefined
  try {
    const apiKey = demo.apiKey ?? known?.apiKey
    if (apiKey === undefined) throw new Error('there is no development API key')
    const connection = { url: server.url, apiKey }
    writeConnection(connection)
    if (demo.users > 0)
      await step(
        'Demo logs',
        () => sendDemoLogs(connection, firstLogs, ending),
        (count) => `${count} sent`,
      )
    console.log(welcome(connection.url, apiKey))
    ticks = startTicks(server.url, readCrons(), (text) => console.error(text))
    await Promise.race([server.exited, aborted(ending)])
    if (ending.aborted) return interruptedCode
    console.error('The server ended by itself. Run npm start again; its data is kept.')
    return 1
  } finally {
    ticks?.stop()
    await server.stop()
  }
})

function welcome(url: string, apiKey: string): string {
  return `
Edgelog runs at ${url}   (Ctrl-C ends it; data is kept)

  demo login   ${demoEmail('admin')} / ${demoPassword}   (also developer, analyst, operator, tester)
  API key      ${apiKey}

Send a log:
  curl -X POST ${url}/api/v1/logs -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '{"severity":"ERROR","source":"shop","message":"hello from curl","order_id":42}'

Search:
  curl -G ${url}/api/v1/logs/search -H 'Authorization: Bearer ${apiKey}' --data-urlencode 'q=level:>=error hello' --data-urlencode 'limit=5'

Send a file:
  npm run ship -- /var/log/dpkg.log
`
}
