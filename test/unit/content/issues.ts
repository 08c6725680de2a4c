import type * as z from 'zod'
import { issueText } from '../../../src/http/issue_text.ts'

/** What a schema has against a value, with the words of the API. */
export function issuesOf(schema: z.ZodType, value: unknown): { path: string; message: string }[] {
  const { error } = schema.safeParse(value, { error: issueText })
  return (error?.issues ?? []).map(({ path, message }) => ({ path: path.join('.'), message }))
}
