import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { accountAuditLog, auditLog } from '../../src/db/schema_audit.ts'
import { formType } from '../../src/http/body.ts'
import { routes } from '../../src/routes.ts'
import { auditedWrites, silentWrites } from '../support/audited_writes.ts'
import { fillPath, jsonSamples, thingMakers } from '../support/hostile/samples.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

/*
 * Every route that is no GET is done once, and leaves exactly the entries that its line in audited_writes.ts names, told by
 * the id of the request. A new route fails here until it has a line.
 */

const writes = routes.filter(({ spec }) => spec.method !== 'get').map(({ spec }) => spec)

async function entriesOf(requestId: string) {
  const { db } = testCtx()
  const [ofOrganizations, ofAccounts] = await db.batch([
    db.select().from(auditLog).where(eq(auditLog.requestId, requestId)),
    db.select().from(accountAuditLog).where(eq(accountAuditLog.requestId, requestId)),
  ])
  return [...ofOrganizations, ...ofAccounts]
}

/** Does what the route does, once and with success. */
async function carryOut(world: World, spec: (typeof writes)[number]) {
  const { path, json, form, as } = (await auditedWrites[spec.id]?.how?.(world)) ?? {}
  const to = path ?? fillPath(spec.path, (await thingMakers[spec.path]?.(world)) ?? '')
  const body = json ?? (spec.json && jsonSamples[spec.id])
  const caller = as === null ? undefined : (as ?? world.owner.accessToken)
  const method = spec.method.toUpperCase()
  const sent = form === undefined ? body !== undefined && { json: body } : { body: form, headers: { 'Content-Type': formType } }
  const response = await world.call(to, { method, as: caller, ...sent })
  if (!response.ok) throw new Error(`${spec.id}: ${response.status} ${await response.text()}`)
  await response.body?.cancel()
  return { entries: await entriesOf(response.headers.get('X-Request-Id') ?? ''), isPerson: as !== null }
}

describe('the audit log', () => {
  it('is spoken of for every route that is no GET, and for no other', () => {
    const named = [...Object.keys(auditedWrites), ...Object.keys(silentWrites)]
    expect(named.toSorted()).toEqual(writes.map(({ id }) => id).toSorted())
  })

  it.each(writes.filter(({ id }) => id in auditedWrites).map((spec) => [spec.id, spec] as const))('has what %s did', async (id, spec) => {
    const world = await createWorld()
    const { entries, isPerson } = await carryOut(world, spec)
    const by = auditedWrites[id]?.by ?? 'user'
    expect(entries.map(({ action }) => action).toSorted()).toEqual([...(auditedWrites[id]?.leaves ?? [])].toSorted())
    expect(entries.map(({ clientAddress, actorKind }) => [clientAddress, actorKind])).toEqual(entries.map(() => [world.address, by]))
    // Who is signed in is named, with the session.
    expect(entries.filter(({ sessionId, actorId }) => isPerson && by === 'user' && (sessionId === null || actorId === null))).toEqual([])
    // No secret that the test knows of stands in an entry.
    const { password, accessToken, refreshToken } = world.owner
    for (const secret of [password, accessToken, refreshToken]) expect(JSON.stringify(entries)).not.toContain(secret)
  })
})
