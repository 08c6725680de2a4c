import { shortChangesOf, shortFields } from '../../db/audit_fields.ts'
import type { AuditEntry } from '../../db/audit.ts'
import type { SavedFilterRow } from './visible.ts'

type State = Pick<SavedFilterRow, 'name' | 'definition' | 'shared'>

/** What the log of an organization tells of a new or removed filter: of a private one only that there is one. */
export function filterDetails(filter: State): AuditEntry['details'] {
  return filter.shared ? shortFields(fieldsOf(filter)) : { shared: false }
}

/** What it tells of a change: values only while others see the filter, else the names of the fields. */
export function filterChange(before: State, after: State): Pick<AuditEntry, 'details' | 'changes'> {
  const changes = shortChangesOf(fieldsOf(before), fieldsOf(after))
  if (before.shared && after.shared) return { changes }
  const { shared, ...others } = changes
  return { details: { fields: Object.keys(others) }, changes: shared === undefined ? {} : { shared } }
}

function fieldsOf({ name, shared, definition }: State): Record<string, unknown> {
  const parts = Object.entries(definition).map(([field, value]) => [`definition.${field}`, value] as const)
  return { name, shared, ...Object.fromEntries(parts) }
}
