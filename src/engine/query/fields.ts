import type { Field } from './ast.ts'

/** Prefix that always names an attribute, for attributes whose name is that of a system field. */
const attributePrefix = 'attributes.'

const systemFields = new Map<string, Field>([
  ['message', { system: 'message' }],
  ['source', { system: 'source' }],
  ['service', { system: 'source' }],
  ['severity', { system: 'severity' }],
  ['level', { system: 'severity' }],
  ['timestamp', { system: 'timestamp' }],
  ['created_at', { system: 'created' }],
  ['updated_at', { system: 'updated' }],
])

/** The field that a name in a query or a facet stands for. */
export function resolveField(name: string): Field {
  const system = systemFields.get(name)
  if (system !== undefined) return system
  if (name.startsWith(attributePrefix) && name.length > attributePrefix.length) return { attribute: name.slice(attributePrefix.length) }
  return { attribute: name }
}
