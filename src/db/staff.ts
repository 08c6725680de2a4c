import type { VerifiedSession } from './context.ts'

/**
 * Whether the rights of staff count in this session. They reach every tenant, so that a stolen password alone must not give
 * them: without a second factor, staff are what their roles make them.
 */
export function actsAsStaff({ user, session }: Pick<VerifiedSession, 'user' | 'session'>): boolean {
  return user.isStaff && session.secondFactor
}
