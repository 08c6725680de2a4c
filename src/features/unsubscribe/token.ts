import * as z from 'zod'
import { suppressionScopes } from '../../core/mails.ts'
import type { SuppressionScope } from '../../core/mails.ts'
import { emailSchema } from '../../core/primitives.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { sealSame, unseal } from '../../db/sealed.ts'

/** What is ended for whom, and what the mail with the link was about: an organization, or a person. */
export interface Unsubscription {
  readonly email: string
  /** `all`: every mail that one can do without, and the questions whether one wants them. */
  readonly scope: SuppressionScope
  readonly organizationId: string
}

const place = 'unsubscribe'
const payloadSchema = z.tuple([emailSchema, z.enum(suppressionScopes), z.string()])

/**
 * The link that ends mails of one kind to one address, without a login and for ever: a mail from years ago must still end them. The
 * same mail has the same link whenever it is made.
 */
export function unsubscribeUrl(ctx: Pick<BaseCtx, 'config'>, { email, scope, organizationId }: Unsubscription): string {
  const token = sealSame(ctx.config.sealingKeys, place, JSON.stringify([email, scope, organizationId]))
  return `${ctx.config.publicUrl}/unsubscribe?token=${token}`
}

/** Throws 400 for a token that is none of ours. */
export function readUnsubscribeToken(ctx: Pick<BaseCtx, 'config'>, token: string): Unsubscription {
  try {
    const [email, scope, organizationId] = payloadSchema.parse(JSON.parse(unseal(ctx.config.sealingKeys, place, token)))
    return { email, scope, organizationId }
  } catch (cause) {
    throw problem('invalid_one_time_token', 'This link is not complete, or not one of ours.', { cause })
  }
}
