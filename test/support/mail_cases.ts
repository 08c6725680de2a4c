import { mailKinds, mailParams, turnedOffBy } from '../../src/core/mails.ts'
import type { MailKind } from '../../src/core/mails.ts'
import type { MailPlace, MailText } from '../../src/features/mails/mail_text.ts'
import { mailTexts } from '../../src/features/mails/mail_texts.ts'
import { samplesOf } from '../../src/features/mails/samples.ts'

export const mailPlace = {
  to: 'ann@example.com',
  publicUrl: 'https://logs.example.org',
  unsubscribeUrl: null,
} satisfies MailPlace

/** Mails of one kind with some parameters, as they would go out. */
export interface MailCase {
  kind: MailKind
  name: string
  params: unknown
}

/** All samples of all kinds. */
export const mailCases: readonly MailCase[] = mailKinds.flatMap((kind) =>
  Object.entries<unknown>(samplesOf(mailPlace.publicUrl)[kind]).map(([name, params]) => ({ kind, name, params })),
)

export function write({ kind, params }: MailCase, place: MailPlace = mailPlace): MailText {
  const unsubscribeUrl = turnedOffBy(kind) !== null ? `${place.publicUrl}/api/v1/unsubscribe#some-token` : null
  return (mailTexts[kind] as (params: unknown, place: MailPlace) => MailText)(params, { ...place, unsubscribeUrl })
}

/** What stands at one place of the parameters, and the same parameters with something else there. */
export interface Leaf {
  path: readonly string[]
  value: unknown
  replaced(value: unknown): MailCase
}

/** Every string and number of the parameters that may be what somebody chose: those that the kind's schema takes another for. */
export function leavesOf(mail: MailCase, other: string | number): Leaf[] {
  return leaves(mail.params, [])
    .filter(({ value }) => typeof value === typeof other)
    .map(({ path, value }) => ({ path, value, replaced: (now: unknown) => ({ ...mail, params: withLeaf(mail.params, path, now) }) }))
    .filter(({ replaced }) => mailParams[mail.kind].safeParse(replaced(other).params).success)
}

function leaves(value: unknown, path: readonly string[]): { path: readonly string[]; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [{ path, value }]
  // One of a list is as good as any other.
  const entries = Array.isArray(value) ? Object.entries(value).slice(0, 1) : Object.entries(value)
  return entries.flatMap(([key, inner]) => leaves(inner, [...path, key]))
}

function withLeaf(value: unknown, [key, ...rest]: readonly string[], now: unknown): unknown {
  if (key === undefined) return now
  const copy = structuredClone(value) as Record<string, unknown>
  copy[key] = withLeaf(copy[key], rest, now)
  return copy
}
