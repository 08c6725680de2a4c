import { describe, expect, it } from 'vitest'
import { auditExportWindowRows } from '../../src/core/limits.ts'
import type { AuditEntryJson } from '../../src/features/audit/schema.ts'
import { fillAuditLog } from '../support/audit.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { parseCsv } from '../unit/search/parse_csv.ts'

const path = '/api/v1/audit-log/export'

async function exported({ call, owner }: World, query: string): Promise<string> {
  const response = await call(`${path}?${query}`, { as: owner.accessToken })
  expect(response.status).toBe(200)
  return response.text()
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEntryJson)

describe('the export of the audit log', () => {
  it('has every entry once, newest first, over any number of pages, as the list shows them', async () => {
    const world = await createWorld()
    const count = 2 * auditExportWindowRows + 7
    await fillAuditLog(world.organizationId, count, Date.now() - 600_000)
    const entries = linesOf(await exported(world, 'format=ndjson'))
    expect(entries).toHaveLength(count + 1)
    const ids = entries.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].toSorted().toReversed())
    const list = await (await world.call('/api/v1/audit-log?page_size=10&action=tick.*', { as: world.owner.accessToken })).json()
    expect(list).toMatchObject({ results: entries.slice(1, 11) })
  })

  it('goes on where a whole page has no match', async () => {
    const world = await createWorld()
    await fillAuditLog(world.organizationId, 3 * auditExportWindowRows, Date.now() - 600_000)
    expect(linesOf(await exported(world, 'action=organization.*')).map(({ action }) => action)).toEqual(['organization.create'])
    const [entry] = linesOf(await exported(world, `action=tick.tenth&to=${new Date(Date.now() - 599_999).toISOString()}`)).slice(-1)
    expect(entry?.action).toBe('tick.tenth')
    expect(await exported(world, 'action=no.such')).toBe('')
  })

  it('as CSV has a head, and no text that a spreadsheet would run', async () => {
    const world = await createWorld()
    const json = { name: '=1+1', kind: 'query' }
    await world.call('/api/v1/api-keys', { as: world.owner.accessToken, json })
    const response = await world.call(`${path}?format=csv&action=api_key.create`, { as: world.owner.accessToken })
    expect(response.headers.get('Content-Type')).toBe('text/csv; charset=utf-8; header=present')
    expect(response.headers.get('Content-Disposition')).toMatch(/^attachment; filename="edgelog-audit-\d{4}-\d\d-\d\d\.csv"$/)
    const [head, row] = parseCsv(await response.text())
    const cells = Object.fromEntries((head ?? []).map((name, i) => [name, row?.[i]]))
    expect(cells).toMatchObject({ action: 'api_key.create', actor_kind: 'user', actor_email: world.owner.email, changes: '' })
    expect(JSON.parse(cells['details'] ?? '')).toMatchObject(json)
    expect(await exported(world, 'format=csv&action=no.such')).toBe(`${head?.join(',')}\r\n`)
  })

  it('leaves an entry of its own', async () => {
    const world = await createWorld()
    await exported(world, 'format=csv&action=api_key.*')
    const [entry] = linesOf(await exported(world, 'action=audit_log.*'))
    expect(entry).toMatchObject({ action: 'audit_log.export', details: { format: 'csv', action: 'api_key.*' } })
  })
})
