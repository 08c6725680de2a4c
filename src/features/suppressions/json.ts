import type { mailSuppressions } from '../../db/schema_jobs.ts'
import type { SuppressionJson } from './schema.ts'

/** A row as the API shows it. */
export function suppressionJson({ email, scope, reason, detail, createdAt }: typeof mailSuppressions.$inferSelect): SuppressionJson {
  return { email, scope, reason, detail, created_at: new Date(createdAt).toISOString() }
}
