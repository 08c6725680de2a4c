import { isSilenced } from '../silences/active.ts'
import type { SilenceRow } from '../silences/active.ts'
import { conditionText } from './definition.ts'
import type { AlertDefinition } from './definition.ts'
import type { RuleRow } from './rule.ts'
import type { AlertJson, ListedAlert } from './schema.ts'

/** What silences rules, at this moment. */
export interface Quiet {
  silences: readonly SilenceRow[]
  nowMs: number
}

/** What a list reads of a rule. */
export interface ListedRow extends Omit<RuleRow, 'definition' | 'groups'> {
  shown: Parameters<typeof conditionText>[0] & Pick<AlertDefinition, 'severity'>
  firingGroups: number
}

/** A rule with its definition and groups. */
export function alertJson(row: RuleRow, quiet: Quiet): AlertJson {
  const groups = row.groups.map(({ key, state, value, since_ms: since }) => ({ group: key, state, value, since: timeOf(since) }))
  return {
    ...headOf(row, quiet),
    condition: conditionText(row.definition),
    definition: row.definition,
    groups,
    groups_truncated: row.groupsTruncated,
  }
}

/** A line of a list. */
export function listedAlert({ shown, firingGroups, ...row }: ListedRow, quiet: Quiet): ListedAlert {
  return { ...headOf(row, quiet), severity: shown.severity, condition: conditionText(shown), firing_groups: firingGroups }
}

function headOf(row: Omit<RuleRow, 'definition' | 'groups'>, { silences, nowMs }: Quiet) {
  const { id, name, enabled, state, stateSince, evaluatedTo, evaluatedAt, evaluationMs, error, failures, createdBy, createdAt, updatedAt } =
    row
  return {
    id,
    name,
    enabled,
    state,
    state_since: timeOrNull(stateSince),
    silenced: isSilenced(silences, id, nowMs),
    last_evaluation: evaluatedTo === null ? null : { to: timeOf(evaluatedTo), at: timeOrNull(evaluatedAt), ms: evaluationMs },
    error,
    failures,
    created_by: createdBy,
    created_at: timeOf(createdAt),
    updated_at: timeOf(updatedAt),
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeOf(ms)
}
