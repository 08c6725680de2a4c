import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgelog-settings-'))
  writeFileSync(join(folder, 'edgelog.json'), JSON.stringify({ url: 'http://127.0.0.1:8787', apiKey: 'elk' }))
  for (const name of ['PORT', 'EDGELOG_URL', 'EDGELOG_API_KEY']) vi.stubEnv(name, undefined)
  vi.stubEnv('EDGELOG_STATE', folder)
  vi.resetModules()
})
afterEach(() => {
  rmSync(folder, { recursive: true })
  vi.unstubAllEnvs()
})

const connectionFor = async (url?: string, key?: string) => (await import('../../../scripts/dev/settings.ts')).connectionFor(url, key)

describe('the server that a command uses', () => {
  it('is the one of npm start, also when PORT names it', async () => {
    expect(await connectionFor()).toEqual({ url: 'http://127.0.0.1:8787', apiKey: 'elk' })
    vi.stubEnv('PORT', '8787')
    expect(await connectionFor()).toEqual({ url: 'http://127.0.0.1:8787', apiKey: 'elk' })
  })

  it('is never another than PORT names', async () => {
    vi.stubEnv('PORT', '8899')
    await expect(connectionFor()).rejects.toMatchObject({
      message: expect.stringContaining('http://127.0.0.1:8787') as string,
      next: expect.stringContaining('--url http://127.0.0.1:8899') as string,
    })
    expect(await connectionFor('http://127.0.0.1:8899', 'other')).toEqual({ url: 'http://127.0.0.1:8899', apiKey: 'other' })
  })
})
