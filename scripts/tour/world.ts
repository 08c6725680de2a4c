import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import type { Authenticator } from './authenticator.ts'
import type { Call, Caller, Tour } from './tour.ts'

/** Somebody of the tour; what is known of the person grows on the way. */
export interface Person {
  /** As the steps call the person. */
  readonly who: string
  email: string
  password: string
  id: string
  session: Caller
  authenticator?: Authenticator
  recoveryCodes: string[]
}

/** What the chapters hand on. */
export interface World {
  readonly tour: Tour
  /** Tells this run from all others. */
  readonly run: string
  readonly owner: Person
  /** Joins as a new user. */
  readonly admin: Person
  /** Has an account already, and joins with it. */
  readonly viewer: Person
  /** The organization that most of the tour is about. */
  organizationId: string
  /** A key that reads its logs. */
  queryKey: Caller
}

const nobody: Caller = { bearer: '' }

export function createWorld(tour: Tour): World {
  const run = randomBytes(4).toString('hex')
  const person = (who: string): Person => ({
    who,
    email: `tour-${run}-${who}@example.com`,
    password: newPassword(),
    id: '',
    session: nobody,
    recoveryCodes: [],
  })
  return { tour, run, owner: person('owner'), admin: person('admin'), viewer: person('viewer'), organizationId: '', queryKey: nobody }
}

export function newPassword(): string {
  return `tour ${randomBytes(9).toString('base64url')}`
}

/** The person, in the organization of the tour. */
export function at({ organizationId }: World, { session }: Person): Caller {
  return { ...session, organizationId }
}

const tokens = z.object({ access_token: z.string(), refresh_token: z.string(), expires_in: z.number() })

/** A step that logs the person in; answers the session, and keeps it as the person's unless `keep` says no. */
export async function login(
  { tour }: World,
  person: Person,
  { say, codes = {}, keep = true, userAgent }: { say?: string; codes?: object; keep?: boolean; userAgent?: string } = {},
): Promise<Caller & { refreshToken: string }> {
  const call: Call = {
    request: 'POST /auth/login',
    json: { email: person.email, password: person.password, ...codes },
    ...(userAgent === undefined ? {} : { userAgent }),
  }
  const tell = ({ access_token, expires_in }: z.output<typeof tokens>) => `token ${access_token}, good for ${expires_in / 60} minutes`
  const body = await tour.step(say ?? `The ${person.who} logs in.`, call, { status: 200, reply: tokens, tell })
  const session = { bearer: body.access_token }
  if (keep) person.session = session
  return { ...session, refreshToken: body.refresh_token }
}

/** A page of a list with what its entries must have. */
export function page<T>(entry: z.ZodType<T>) {
  return z.object({ count: z.number(), results: z.array(entry) })
}
