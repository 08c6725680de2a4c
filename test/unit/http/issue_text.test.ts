import { expect, it } from 'vitest'
import * as z from 'zod'
import { issueText } from '../../../src/http/issue_text.ts'

it.each<[z.ZodType, unknown, string]>([
  [z.string(), undefined, 'is required'],
  [z.string(), ['1', '2'], 'must be a text that is given once'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.object({}), 7, 'must be an object'],
  [z.enum(['newest', 'oldest']), 'x', 'must be one of newest, oldest'],
  [z.literal(true), false, 'must be true'],
  [z.array(z.string()).max(1), ['a', 'b'], 'must have at most 1 entry'],
  [z.array(z.string()).min(2), [], 'must have at least 2 entries'],
  [z.string().max(3), 'abcd', 'must have at most 3 characters'],
  [z.number().min(5), 4, 'must be at least 5'],
  [z.string().max(3, 'is too long'), 'abcd', 'is too long'],
])('says what a value must be, after its name: %#', (schema, value, text) => {
  expect(schema.safeParse(value, { error: issueText }).error?.issues.map(({ message }) => message)).toEqual([text])
})
