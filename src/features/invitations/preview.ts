import type * as z from 'zod'
import type { BaseCtx } from '../../db/context.ts'
import { findByToken } from './by_token.ts'
import type { invitationPreviewSchema } from './schema.ts'

/** What the holder of the token is invited to, before accepting. The token shows that its holder reads the mails. */
export async function previewInvitation(ctx: BaseCtx, token: string): Promise<z.input<typeof invitationPreviewSchema>> {
  const { organizationName, email, role, invitedBy, expiresAt, userExists } = await findByToken(ctx, token)
  return {
    organization_name: organizationName,
    email,
    role,
    invited_by: invitedBy,
    expires_at: new Date(expiresAt).toISOString(),
    user_exists: userExists,
  }
}
