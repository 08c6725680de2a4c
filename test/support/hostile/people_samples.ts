import type { World } from '../world.ts'

/** Bodies of the routes about people, see samples.ts. */
export const peopleJsonSamples: Record<string, Record<string, unknown>> = {
  'auth.update_me': {
    name: 'Ann',
    first_name: 'Ann',
    last_name: 'Lee',
    phone: '+4915112345678',
    birth_date: '1990-01-31',
    locale: 'de-CH',
    time_zone: 'Europe/Zurich',
    notification_preferences: { weekly_digest: false },
  },
  'auth.change_email': { new_email: 'next@example.com' },
  'auth.confirm_change_email': { token: 'x'.repeat(43) },
  'users.create': { email: 'made@example.com', name: 'Made' },
  'users.replace': {
    name: 'Ann',
    first_name: 'Ann',
    last_name: 'Lee',
    phone: '+4915112345678',
    birth_date: '1990-01-31',
    locale: 'de-CH',
    time_zone: 'Europe/Zurich',
  },
  'users.update': { name: 'Ann', phone: '+4915112345678' },
}

export const peopleMakers: Record<string, (world: World) => Promise<string>> = {
  '/api/v1/users/:id': makeUser,
  '/api/v1/users/:id/restore': makeUser,
}

/** What is deleted can be restored there. */
export const peopleLasting: readonly string[] = ['/api/v1/users/:id/restore']

async function makeUser(world: World): Promise<string> {
  const json = { email: `made-${crypto.randomUUID()}@example.com`, name: 'Made' }
  const response = await world.call('/api/v1/users', { as: world.owner.accessToken, json })
  if (response.status !== 201) throw new Error(`no user: ${response.status} ${await response.text()}`)
  return (await response.json<{ id: string }>()).id
}
