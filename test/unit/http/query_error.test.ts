import { DrizzleQueryError } from 'drizzle-orm/errors'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { problem } from '../../../src/core/problems.ts'
import { failing, problemOf } from '../../support/app.ts'

let lines: string[]

beforeEach(() => {
  lines = []
  for (const kind of ['log', 'error'] as const) vi.spyOn(console, kind).mockImplementation((text: string) => void lines.push(text))
})
afterEach(() => vi.restoreAllMocks())

const failed = (value: string, cause: string) =>
  new DrizzleQueryError('select "id" from "users" where "email" = ?', [value], new Error(cause))

it('a failed query is logged with its text and its cause, never with the values', async () => {
  for (const error of [
    failed('ann@example.com', 'no such column'),
    problem('unavailable', 'Later.', { cause: failed('ann@example.com', 'no such column') }),
  ]) {
    lines = []
    await failing(error)('/fail')
    const line = lines.find((text) => text.includes('"level":"error"'))
    expect(line).toContain('where \\"email\\" = ?')
    expect(line).toContain('no such column')
    expect(line).not.toContain('ann@example.com')
  }
})

it('whether a failed query may pass is told by its cause, not by a value', async () => {
  expect(await problemOf(await failing(failed('please try again', 'no such column'))('/fail'))).toMatchObject({ status: 500 })
  expect(await problemOf(await failing(failed('x', 'D1 DB is overloaded'))('/fail'))).toMatchObject({ status: 503, code: 'unavailable' })
})
