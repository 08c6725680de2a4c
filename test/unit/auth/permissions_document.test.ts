import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { permissionsDocument, regenerate } from '../../../scripts/permissions/document.ts'
import { accountPermissions, isAccountPermission, permissions } from '../../../src/core/permissions.ts'
import { emptyReply, route } from '../../../src/http/route.ts'
import { routes } from '../../../src/routes.ts'

const file = join(import.meta.dirname, '../../../src/core/PERMISSIONS.md')

describe('the document of who may do what', () => {
  it('is what the table and the routes say today', () => {
    expect(readFileSync(file, 'utf8'), `run ${regenerate}`).toBe(permissionsDocument(routes))
  })

  it('has a row for every permission and every route', () => {
    const text = permissionsDocument(routes)
    for (const permission of [...permissions, ...accountPermissions]) expect(text).toContain(`\n| \`${permission}\` | `)
    for (const { spec } of routes) expect(text).toContain(`\`${spec.method.toUpperCase()} ${spec.path}\``)
  })

  it('tells of a route whose tenant it is, which keys may call it and whether it wants the password', () => {
    const spec = { id: 'a.b', method: 'post', summary: '', replies: { 204: emptyReply('') }, problems: [] } as const
    const text = permissionsDocument([
      route({ ...spec, path: '/accounts/:id/x', access: 'account:delete', tenant: 'deleted', stepUp: true }, async () => ({ status: 204 })),
      route({ ...spec, path: '/x', access: 'logs:write' }, async () => ({ status: 204 })),
      route({ ...spec, path: '/open', access: 'public' }, async () => ({ status: 204 })),
    ])
    expect(text).toContain('| `POST /accounts/:id/x` | `account:delete` | account of the path, also a deleted one |  | yes |')
    expect(text).toContain('| `POST /x` | `logs:write` | active organization | ingest, admin |  |')
    expect(text).toContain('Anybody may call: `POST /open`.')
  })
})

describe('every route', () => {
  const specs = routes.map(({ spec }) => [spec.id, spec] as const)

  it.each(specs)('%s asks for a line of the table, or says that it needs none', (_, { access }) => {
    const known: readonly string[] = ['public', 'session', 'staff', ...permissions, ...accountPermissions]
    expect(known).toContain(access)
  })

  it('that takes its tenant from the path has the id of one there', () => {
    const wrong = specs.filter(([, { access, path, tenant }]) => {
      if (tenant === undefined) return false
      if (access === 'public' || access === 'session' || access === 'staff') return true
      return !path.startsWith(isAccountPermission(access) ? '/api/v1/accounts/:id' : '/api/v1/organizations/:id')
    })
    expect(wrong.map(([id]) => id)).toEqual([])
  })

  it('with an organization or account in its path takes it as its tenant', () => {
    const wrong = specs.filter(([, { path, tenant }]) => /^\/api\/v1\/(accounts|organizations)\/:id/.test(path) && tenant === undefined)
    expect(wrong.map(([id]) => id)).toEqual([])
  })

  it('that wants the password again is one that people call', () => {
    expect(specs.filter(([, { access, stepUp }]) => stepUp === true && access === 'public').map(([id]) => id)).toEqual([])
  })
})
