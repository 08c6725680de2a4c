import { serverUrl } from './dev/settings.ts'
import { isEdgelog } from './dev/server.ts'
import { CommandError, main, parseFlags, seconds } from './dev/terminal.ts'
import { alerts } from './tour/chapter_alerts.ts'
import { audit } from './tour/chapter_audit.ts'
import { filtersAndDashboards } from './tour/chapter_dashboards.ts'
import { deletion, farewell, ownership } from './tour/chapter_ending.ts'
import { keysAndLogs } from './tour/chapter_logs.ts'
import { organization, rolesAndTeams } from './tour/chapter_organization.ts'
import { passwords } from './tour/chapter_passwords.ts'
import { register } from './tour/chapter_register.ts'
import { reports } from './tour/chapter_reports.ts'
import { secondFactor } from './tour/chapter_second_factor.ts'
import { sessions } from './tour/chapter_sessions.ts'
import { tasks } from './tour/chapter_tasks.ts'
import { createTour } from './tour/tour.ts'
import { createWorld } from './tour/world.ts'

const usage = `Walks through the whole life of a tenant on the running development server, by HTTP only, and checks each answer.

  npm run tour
  npm run tour -- --url http://127.0.0.1:8788

  --url        the server; else EDGELOG_URL, else that of npm start

It makes people and organizations of its own, reads their mails in the development outbox, and deletes them at the end.
It ends with 1 at the first answer that is wrong. What it tries in vain counts as failed logins of this address, so that the
server takes about four tours in a quarter of an hour, and six in an hour for their registrations.`

/** In the order of a tenant's life: each goes on where the one before ended. */
const chapters = [
  register,
  organization,
  rolesAndTeams,
  keysAndLogs,
  filtersAndDashboards,
  tasks,
  alerts,
  reports,
  sessions,
  secondFactor,
  passwords,
  audit,
  ownership,
  deletion,
  farewell,
]

await main(async () => {
  const parsed = parseFlags(usage, { options: { url: { type: 'string' } } })
  if (parsed === undefined) return
  const url = serverUrl(parsed.values.url)
  await requireOutbox(url)
  const began = performance.now()
  const tour = createTour(url, (line) => console.log(line))
  const world = createWorld(tour)
  console.log(`The life of a tenant at ${url}; run ${world.run}`)
  for (const chapter of chapters) await chapter(world)
  console.log(`\nAll ${tour.count()} steps were answered as they should be, in ${seconds(performance.now() - began)}.`)
})

async function requireOutbox(url: string): Promise<void> {
  if (!(await isEdgelog(url))) throw new CommandError(`No Edgelog answers at ${url}.`, 'Start it with npm start in another terminal.')
  const response = await fetch(`${url}/dev/outbox?page_size=1`)
  await response.body?.cancel()
  if (response.status !== 404) return
  throw new CommandError(
    `${url} shows no development outbox, from which the tour reads tokens.`,
    'Take a development server: only one that is not called production, and that PUBLIC_URL calls 127.0.0.1 or localhost, has it.',
  )
}
