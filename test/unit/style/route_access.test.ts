import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'edgelog-access-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Routes as somebody might add them: everything a route needs, but for what is said of `access`. */
const policies: Record<string, string> = {
  right: "access: 'logs:read',",
  public: "access: 'public',",
  absent: '',
  unknown: "access: 'logs:everything',",
  nothing: 'access: undefined,',
  empty: "access: '',",
  'a role': "access: 'owner',",
  'a list': "access: ['logs:read'],",
}

function snippet(policy: string): string {
  return `import { emptyReply, route } from ${JSON.stringify(join(root, 'src/http/route.ts'))}
export const added = route(
  { id: 'x.get', method: 'get', path: '/x', summary: '', ${policy} replies: { 204: emptyReply('') }, problems: [] },
  async () => ({ status: 204 }),
)
`
}

/** Names of the snippets that the compiler refuses, as `npm run verify` and every build would. */
function refused(): Set<string> {
  const names = Object.keys(policies)
  for (const [i, name] of names.entries()) writeFileSync(join(folder, `route_${i}.ts`), snippet(policies[name] ?? ''))
  const modules = join(root, 'node_modules')
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { types: ['@cloudflare/workers-types', 'node'].map((name) => typesOf(modules, name)) },
    files: [join(root, 'src/node_globals.d.ts'), ...names.map((_, i) => `route_${i}.ts`)],
    include: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  let output = ''
  try {
    execFileSync(join(modules, '.bin/tsc'), ['-p', join(folder, 'tsconfig.json'), '--pretty', 'false'], { cwd: folder, encoding: 'utf8' })
  } catch (error) {
    output = (error as { stdout: string }).stdout
  }
  const elsewhere = output.split('\n').filter((line) => line !== '' && !line.startsWith(' ') && !/^route_\d+\.ts\(/.test(line))
  if (elsewhere.length > 0) throw new Error(`the snippets cannot be judged:\n${elsewhere.join('\n')}`)
  return new Set([...output.matchAll(/^route_(\d+)\.ts\(/gm)].map((match) => names[Number(match[1])] ?? ''))
}

function typesOf(modules: string, name: string): string {
  return join(modules, name === 'node' ? '@types/node' : name)
}

it('a route whose access is absent, or not in the table of permissions, does not compile', () => {
  expect([...refused()].toSorted()).toEqual(['a list', 'a role', 'absent', 'empty', 'nothing', 'unknown'])
})
