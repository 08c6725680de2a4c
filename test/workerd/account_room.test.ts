import { env } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { usersPerAccountMax } from '../../src/core/limits.ts'
import { problemOf } from '../support/app.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { invite, newEmail, register, tokenOf } from './invitations_world.ts'

const filler = 'filler of an account'

/** Users that leave room for so many more. */
async function fill({ accountId }: World, room: number): Promise<void> {
  await env.DB.prepare(
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1 - (select count(*) from users where account_id = ?2))
     insert into users (id, account_id, email, name, password_hash, created_at, updated_at)
     select ?2 || '-' || i, ?2, ?2 || '-' || i || '@example.com', ?3, '!', 1, 1 from n`,
  )
    .bind(usersPerAccountMax - room, accountId, filler)
    .run()
}

/** All files share one database. */
afterEach(async () => {
  await env.DB.prepare('delete from users where name = ?').bind(filler).run()
})

describe('an account with room for one more user', () => {
  it('takes one by invitation, and then no other by any door', async () => {
    const world = await createWorld()
    const [first, second] = [newEmail(), newEmail()]
    await invite(world, first)
    await invite(world, second)
    await fill(world, 1)
    expect((await register(await tokenOf(first))).status).toBe(201)
    const refused = await register(await tokenOf(second))
    expect([refused.status, (await problemOf(refused)).detail]).toEqual([
      409,
      expect.stringContaining(`at most ${usersPerAccountMax} users`),
    ])
    const made = await world.call('/api/v1/users', { as: world.owner.accessToken, json: { email: newEmail(), name: 'One too many' } })
    expect([made.status, (await problemOf(made)).detail]).toEqual([409, expect.stringContaining(`at most ${usersPerAccountMax} users`)])
    const row = await env.DB.prepare('select count(*) as users from users where account_id = ?').bind(world.accountId).first()
    expect(row).toEqual({ users: usersPerAccountMax })
  })

  it('keeps the invitation of who found it full, for when there is room', async () => {
    const world = await createWorld()
    const email = newEmail()
    await invite(world, email)
    const token = await tokenOf(email)
    await fill(world, 0)
    expect((await register(token)).status).toBe(409)
    await env.DB.prepare('delete from users where name = ?').bind(filler).run()
    expect((await register(token)).status).toBe(201)
  })
})
