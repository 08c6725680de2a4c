import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { deletedKeptMs, teamsPerOrganizationMax } from '../../src/core/limits.ts'
import type { TeamRole } from '../../src/core/permissions.ts'
import { memberships, users } from '../../src/db/schema.ts'
import { teamMemberships, teams } from '../../src/db/schema_identity.ts'
import { problemOf } from '../support/app.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'
import { entriesAbout } from './members_world.ts'

const { db } = testCtx()
const path = '/api/v1/teams'
let world: World
beforeEach(async () => void (world = await createWorld()))

interface Team {
  id: string
  name: string
  description: string
  member_count: number
  deleted_at: string | null
}

function ask(method: string, to: string, json?: unknown, as: Person = world.owner): Promise<Response> {
  return world.call(to, { method, as: as.accessToken, json })
}

async function makeTeam(name = 'Team', as: Person = world.owner): Promise<Team> {
  const response = await ask('POST', path, { name }, as)
  if (response.status !== 201) throw new Error(`no team: ${response.status} ${await response.text()}`)
  return response.json<Team>()
}

async function join(team: Team, { userId }: Person, role: TeamRole = 'member'): Promise<void> {
  const response = await ask('POST', `${path}/${team.id}/members`, { user_id: userId, role })
  if (response.status !== 201) throw new Error(`not joined: ${response.status} ${await response.text()}`)
}

async function names(query = '', as: Person = world.owner): Promise<string[]> {
  const { results } = await (await ask('GET', `${path}?${query}`, undefined, as)).json<{ results: Team[] }>()
  return results.map(({ name }) => name)
}

async function membersOf(id: string): Promise<Record<string, TeamRole>> {
  const rows = await db.select().from(teamMemberships).where(eq(teamMemberships.teamId, id))
  return Object.fromEntries(rows.map(({ userId, role }) => [userId, role]))
}

const auditOf = (id: string) => entriesAbout(world, id)

describe('teams', () => {
  it('are made, listed, searched, ordered and paged', async () => {
    const viewer = await world.addMember('viewer')
    const response = await ask('POST', path, { name: ' Web ', description: 'Runs the site' })
    expect(response.status).toBe(201)
    const team = await response.json<Team>()
    expect(response.headers.get('Location')).toBe(`${path}/${team.id}`)
    expect(team).toMatchObject({ name: 'Web', description: 'Runs the site', member_count: 0, deleted_at: null })
    for (const name of ['api 100%', 'Über']) await makeTeam(name)
    expect(await (await ask('GET', `${path}/${team.id}`, undefined, viewer)).json()).toEqual(team)
    expect(await names('ordering=name', viewer)).toEqual(['api 100%', 'Web', 'Über'])
    expect(await names('ordering=-created_at')).toEqual(['Über', 'api 100%', 'Web'])
    expect(await names('search=WEB')).toEqual(['Web'])
    expect(await names(`search=${encodeURIComponent('über')}`)).toEqual(['Über'])
    expect(await names('search=0%25')).toEqual(['api 100%'])
    expect(await (await ask('GET', `${path}?page_size=2&page=2`)).json()).toMatchObject({
      count: 3,
      next: null,
      results: [{ name: 'Über' }],
    })
  })

  it('are made, deleted and restored only by who manages teams', async () => {
    const team = await makeTeam()
    for (const role of ['member', 'viewer'] as const) {
      const person = await world.addMember(role)
      await join(team, person, 'manager')
      expect((await ask('POST', path, { name: 'Own' }, person)).status).toBe(403)
      expect((await ask('DELETE', `${path}/${team.id}`, undefined, person)).status).toBe(403)
      expect((await ask('POST', `${path}/${team.id}/restore`, undefined, person)).status).toBe(403)
    }
    const admin = await world.addMember('admin')
    expect((await ask('DELETE', `${path}/${team.id}`, undefined, admin)).status).toBe(204)
    expect(await auditOf(team.id)).toMatchObject([{ action: 'team.create' }, { action: 'team.delete' }])
  })

  it('have names of their own, whatever the case and width of the letters', async () => {
    const first = await makeTeam('Über Web')
    for (const name of ['Über Web', 'über web', 'ÜBER WEB', 'Über \uff37\uff45\uff42', 'U\u0308ber Web'])
      expect(await problemOf(await ask('POST', path, { name }))).toMatchObject({ status: 409, code: 'conflict' })
    const second = await makeTeam('Other')
    expect(await problemOf(await ask('PATCH', `${path}/${second.id}`, { name: 'über web' }))).toMatchObject({
      status: 409,
      code: 'conflict',
    })
    expect((await ask('PATCH', `${path}/${first.id}`, { name: 'über web' })).status).toBe(200)
    const other = await createWorld()
    expect((await other.call(path, { as: other.owner.accessToken, json: { name: 'Über Web' } })).status).toBe(201)
  })

  it('get a name once, however many ask for it at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => ask('POST', path, { name: i % 2 ? 'same' : 'Same' })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, ...Array<number>(7).fill(409)])
    const [a, b] = [await makeTeam('A'), await makeTeam('B')]
    const renamed = await Promise.all([a, b].map(({ id }) => ask('PUT', `${path}/${id}`, { name: 'C' })))
    expect(renamed.map(({ status }) => status).toSorted((x, y) => x - y)).toEqual([200, 409])
  })

  it('stop at the limit of an organization', async () => {
    const row = (i: number) => ({
      organizationId: world.organizationId,
      id: `fill-${i}`,
      name: `${i}`,
      nameKey: `${i}`,
      createdAt: 0,
      updatedAt: 0,
    })
    for (let at = 0; at < teamsPerOrganizationMax - 1; at += 10)
      await db.insert(teams).values(Array.from({ length: Math.min(10, teamsPerOrganizationMax - 1 - at) }, (_, i) => row(at + i)))
    const answers = await Promise.all(['x', 'y', 'z'].map((name) => ask('POST', path, { name })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409])
    const [{ id } = { id: '' }] = (await (await ask('GET', `${path}?ordering=-name`)).json<{ results: Team[] }>()).results
    expect((await ask('DELETE', `${path}/${id}`)).status).toBe(204)
    await makeTeam('last')
    expect(await problemOf(await ask('POST', `${path}/${id}/restore`))).toMatchObject({ status: 409, code: 'conflict' })
  })

  it('tell what was changed, and only that', async () => {
    const team = await makeTeam('Old')
    const patched = await ask('PATCH', `${path}/${team.id}`, { description: 'New words' })
    expect(await patched.json()).toMatchObject({ name: 'Old', description: 'New words' })
    const put = await ask('PUT', `${path}/${team.id}`, { name: 'New' })
    expect(await put.json()).toMatchObject({ name: 'New', description: '' })
    expect((await ask('PATCH', `${path}/${team.id}`, { name: 'New' })).status).toBe(200)
    expect((await auditOf(team.id)).slice(1)).toEqual([
      { action: 'team.update', details: {}, changes: { description: { before: '', after: 'New words' } } },
      {
        action: 'team.update',
        details: {},
        changes: { name: { before: 'Old', after: 'New' }, description: { before: 'New words', after: '' } },
      },
    ])
    for (const json of [{}, { name: '' }, { name: null }, { organization_id: 'x', name: 'x' }, { name: 'a\r\nb' }])
      expect((await ask('PATCH', `${path}/${team.id}`, json)).status).toBe(400)
  })

  it('are restored with their members, unless the name is taken or the time over', async () => {
    const [team, person] = [await makeTeam('Back'), await world.addMember('member')]
    await join(team, person)
    expect((await ask('DELETE', `${path}/${team.id}`)).status).toBe(204)
    for (const [method, to] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/members'],
    ] as const)
      expect((await ask(method, `${path}/${team.id}${to}`)).status).toBe(404)
    expect(await names()).toEqual([])
    expect(await names('deleted=true')).toEqual(['Back'])

    const usurper = await makeTeam('BACK')
    expect(await problemOf(await ask('POST', `${path}/${team.id}/restore`))).toMatchObject({ status: 409, code: 'conflict' })
    expect((await ask('DELETE', `${path}/${usurper.id}`)).status).toBe(204)
    const answers = await Promise.all([1, 2, 3].map(() => ask('POST', `${path}/${team.id}/restore`)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toContain(200)
    expect(await (await ask('GET', `${path}/${team.id}`)).json()).toMatchObject({ name: 'Back', member_count: 1, deleted_at: null })
    expect((await auditOf(team.id)).filter(({ action }) => action === 'team.restore')).toHaveLength(1)
    expect((await ask('POST', `${path}/${team.id}/restore`)).status).toBe(404)

    await db
      .update(teams)
      .set({ deletedAt: Date.now() - deletedKeptMs })
      .where(eq(teams.id, team.id))
    expect(await names('deleted=true')).toEqual(['BACK'])
    expect((await ask('POST', `${path}/${team.id}/restore`)).status).toBe(404)
  })

  it('do not exist for another organization, nor do their members', async () => {
    const other = await createWorld()
    const team = await makeTeam('Mine')
    const json = { name: 'x', user_id: other.owner.userId, role: 'manager' }
    for (const [method, to, fields] of [
      ['GET', '', []],
      ['PUT', '', ['name']],
      ['PATCH', '', ['name']],
      ['DELETE', '', []],
      ['POST', '/restore', []],
      ['GET', '/members', []],
      ['POST', '/members', ['user_id', 'role']],
      ['PATCH', `/members/${world.owner.userId}`, ['role']],
      ['DELETE', `/members/${world.owner.userId}`, []],
      ['DELETE', `/members/${other.owner.userId}`, []],
    ] as [string, string, (keyof typeof json)[]][]) {
      const body = fields.length === 0 ? undefined : Object.fromEntries(fields.map((field) => [field, json[field]]))
      const response = await other.call(`${path}/${team.id}${to}`, { method, as: other.owner.accessToken, json: body })
      expect([method, to, response.status]).toEqual([method, to, 404])
    }
    expect(await (await ask('GET', `${path}/${team.id}`)).json()).toEqual(team)
  })
})

describe('the members of a team', () => {
  it('are added from the organization, listed and searched', async () => {
    const team = await makeTeam()
    const [ann, bob] = [await world.addMember('viewer'), await world.addMember('admin')]
    await db.update(users).set({ name: 'Ann' }).where(eq(users.id, ann.userId))
    const added = await ask('POST', `${path}/${team.id}/members`, { user_id: ann.userId })
    expect([added.status, await added.json()]).toMatchObject([201, { user_id: ann.userId, email: ann.email, name: 'Ann', role: 'member' }])
    await join(team, bob, 'manager')
    const found = async (query: string) =>
      (
        await (await ask('GET', `${path}/${team.id}/members?${query}`, undefined, ann)).json<{ results: { user_id: string }[] }>()
      ).results.map(({ user_id }) => user_id)
    expect(await found('')).toEqual([ann.userId, bob.userId])
    expect(await found('ordering=-joined_at')).toEqual([bob.userId, ann.userId])
    expect(await found('search=ANN')).toEqual([ann.userId])
    expect(await (await ask('GET', `${path}/${team.id}`)).json()).toMatchObject({ member_count: 2 })
    expect(await auditOf(ann.userId)).toMatchObject([
      { action: 'membership.create' },
      { action: 'team_membership.create', details: { team_id: team.id, role: 'member' } },
    ])
    await db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, bob.userId))
    expect(await found('')).toEqual([ann.userId])
    expect(await (await ask('GET', `${path}/${team.id}`)).json()).toMatchObject({ member_count: 1 })
  })

  it('are members of the organization: of others it does not tell whether they exist', async () => {
    const team = await makeTeam()
    const other = await createWorld()
    const refused = []
    for (const userId of [other.owner.userId, crypto.randomUUID()])
      refused.push(await problemOf(await ask('POST', `${path}/${team.id}/members`, { user_id: userId })))
    expect(refused[0]).toMatchObject({ status: 422, code: 'unprocessable' })
    expect({ ...refused[0], request_id: '' }).toEqual({ ...refused[1], request_id: '' })
    expect(await membersOf(team.id)).toEqual({})
  })

  it('are in it once, however many ask at once', async () => {
    const [team, person] = [await makeTeam(), await world.addMember('member')]
    const add = () => ask('POST', `${path}/${team.id}/members`, { user_id: person.userId })
    const answers = await Promise.all([add(), add(), add()])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409])
    expect((await auditOf(person.userId)).filter(({ action }) => action === 'team_membership.create')).toHaveLength(1)
    const drop = () => ask('DELETE', `${path}/${team.id}/members/${person.userId}`)
    const drops = await Promise.all([drop(), drop(), drop()])
    expect(drops.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 404, 404])
    expect(await membersOf(team.id)).toEqual({})
  })

  it('are managed by the managers of that team too, who may rename it, and by nobody else', async () => {
    const [team, foreign] = [await makeTeam(), await makeTeam('Foreign')]
    const [manager, member, outsider] = [await world.addMember('viewer'), await world.addMember('member'), await world.addMember('member')]
    await join(team, manager, 'manager')
    await join(team, member)
    await join(foreign, outsider, 'manager')
    const members = `${path}/${team.id}/members`
    for (const person of [member, outsider]) {
      const answers = [
        await ask('PATCH', `${path}/${team.id}`, { name: 'Mine' }, person),
        await ask('PUT', `${path}/${team.id}`, { name: 'Mine' }, person),
        await ask('POST', members, { user_id: outsider.userId }, person),
        await ask('PATCH', `${members}/${member.userId}`, { role: 'manager' }, person),
        await ask('DELETE', `${members}/${manager.userId}`, undefined, person),
      ]
      expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403])
    }
    expect(await membersOf(team.id)).toEqual({ [manager.userId]: 'manager', [member.userId]: 'member' })

    expect((await ask('PATCH', `${path}/${team.id}`, { name: 'Renamed' }, manager)).status).toBe(200)
    expect((await ask('POST', members, { user_id: outsider.userId }, manager)).status).toBe(201)
    expect((await ask('PATCH', `${members}/${member.userId}`, { role: 'manager' }, manager)).status).toBe(200)
    expect((await ask('DELETE', `${members}/${outsider.userId}`, undefined, manager)).status).toBe(204)
    expect((await auditOf(member.userId)).at(-1)).toEqual({
      action: 'team_membership.change_role',
      details: { team_id: team.id },
      changes: { role: { before: 'member', after: 'manager' } },
    })
    expect((await ask('PATCH', `${members}/${manager.userId}`, { role: 'member' }, member)).status).toBe(200)
    expect((await ask('PATCH', `${path}/${team.id}`, { name: 'Again' }, manager)).status).toBe(403)
  })

  it('may leave it themselves', async () => {
    const [team, person] = [await makeTeam(), await world.addMember('viewer')]
    await join(team, person)
    expect((await ask('DELETE', `${path}/${team.id}/members/${person.userId}`, undefined, person)).status).toBe(204)
    expect((await auditOf(person.userId)).at(-1)).toMatchObject({ action: 'team_membership.leave' })
    expect((await ask('DELETE', `${path}/${team.id}/members/${person.userId}`, undefined, person)).status).toBe(404)
  })

  it('lose the right over it with the membership of the organization', async () => {
    const [team, person] = [await makeTeam(), await world.addMember('member')]
    await join(team, person, 'manager')
    await ask('DELETE', `/api/v1/organizations/${world.organizationId}/members/${person.userId}`)
    await db.insert(memberships).values({ userId: person.userId, organizationId: world.organizationId, role: 'viewer', createdAt: 0 })
    const header = { 'X-Organization-Id': world.organizationId }
    const rename = await world.call(`${path}/${team.id}`, { method: 'PATCH', as: person.accessToken, json: { name: 'x' }, headers: header })
    expect(rename.status).toBe(403)
  })
})
