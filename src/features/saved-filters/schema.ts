import * as z from 'zod'
import {
  attributeNameBytesMax,
  logColumnsMax,
  nameCharsMax,
  queryBytesMax,
  savedFilterBytesMax,
  savedFilterSourcesMax,
  timeBoundCharsMax,
} from '../../core/limits.ts'
import { checkedText, lineSchema, nameSchema, pageQuery, pageSchema, patchOf, timestampSchema, uuidSchema } from '../../core/primitives.ts'
import type { QueryChecks } from '../../core/query_checks.ts'
import { severities } from '../../core/severity.ts'

const fieldName = z.string().min(1, 'must not be empty').max(attributeNameBytesMax)
const noFault = () => undefined
/** What was stored once is shown, whatever the query language has become since. */
const unchecked: Pick<QueryChecks, 'query' | 'timeBound'> = { query: noFault, timeBound: noFault }

/** What a filter keeps: the conditions of GET /logs, and how the logs are shown. */
function definitionShape({ query, timeBound }: typeof unchecked) {
  const bound = checkedText(timeBoundCharsMax, timeBound).nullable().default(null)
  return z.strictObject({
    q: checkedText(queryBytesMax, query).default('').meta({ description: 'Filter in the query language; empty for all logs' }),
    search: z.string().max(queryBytesMax).default('').meta({ description: 'Words that must all be in the log' }),
    severity: z.array(z.enum(severities)).max(severities.length).default([]),
    source: z.array(z.string().max(attributeNameBytesMax)).max(savedFilterSourcesMax).default([]),
    from: bound.meta({ description: 'RFC 3339, a date, epoch, or relative such as now-15m; null for no bound' }),
    to: bound,
    order: z.enum(['newest', 'oldest']).default('newest'),
    columns: z.array(fieldName).max(logColumnsMax).default([]).meta({ description: 'Fields that are shown; none for the usual ones' }),
  })
}

const storedDefinition = definitionShape(unchecked)
export type FilterDefinition = z.output<typeof storedDefinition>

/** Bodies of writes. Their queries are read by what src/routes.ts gives as `checks`. */
export function savedFilterBodies(checks: QueryChecks) {
  const definition = definitionShape(checks).check(({ value, issues }) => {
    const { from, to } = value
    const add = (path: string[], message: string | undefined) => {
      if (message !== undefined) issues.push({ code: 'custom', message, input: value, path })
    }
    add([], checks.listFilter(value))
    add(['from'], from === null || to === null ? undefined : checks.timeRange(from, to))
    const { byteLength } = new TextEncoder().encode(JSON.stringify(value))
    add([], byteLength > savedFilterBytesMax ? `must have at most ${savedFilterBytesMax} bytes as JSON` : undefined)
  })
  const shared = z.boolean().meta({ description: 'Whether all people of the organization see it' })
  const create = z.strictObject({ name: nameSchema, definition, shared: shared.default(false) })
  const update = patchOf({ name: nameSchema, definition, shared })
  return { create, update }
}

export type CreateSavedFilter = z.output<ReturnType<typeof savedFilterBodies>['create']>
export type UpdateSavedFilter = z.output<ReturnType<typeof savedFilterBodies>['update']>

export const savedFilterSchema = z.object({
  id: z.string(),
  name: z.string(),
  definition: storedDefinition,
  shared: z.boolean(),
  owner_id: z.string().meta({ description: 'The person who made it' }),
  created_at: timestampSchema,
  updated_at: timestampSchema,
})
export type SavedFilterJson = z.output<typeof savedFilterSchema>

export const savedFilterParam = z.object({ id: uuidSchema })

const orderings = ['name', '-name', 'created_at', '-created_at', 'updated_at', '-updated_at'] as const

export const listSavedFiltersQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(orderings).default('name'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name, without case for ASCII letters' }),
  shared: z.enum(['true', 'false']).optional().meta({ description: 'Only those that are shared, or are not' }),
  owner_id: uuidSchema.optional().meta({ description: 'Only those that this person made' }),
})

export const savedFilterPageSchema = pageSchema(savedFilterSchema)
