import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { version } from '../../../src/core/version.ts'

it('is the version of the package', () => {
  const { version: packaged } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), { encoding: 'utf8' })) as {
    version: string
  }
  expect(version).toBe(packaged)
})
