import { parseQuery } from '../../engine/query/parser.ts'
import { QueryError } from '../../engine/query/query_error.ts'
import { decodeTailCursor } from './cursor.ts'
import { closeCodes } from './messages.ts'
import type { Attachment, AttachmentMeaning, TailState } from './state.ts'
import { createSubscriber, identify } from './state.ts'

/** Takes over a socket that outlived the last life of the object. One that cannot go on is closed: the others must not suffer. */
export function restore<S>(state: TailState<S>, socket: S, attachment: Attachment): void {
  identify(state, attachment.organizationId)
  const meaning = meaningOf(attachment)
  if (typeof meaning !== 'string') {
    state.subscribers.set(socket, createSubscriber(socket, attachment, meaning, state.deps.now()))
    return
  }
  state.deps.log('warning', 'tail not restored', { organizationId: attachment.organizationId, reason: meaning })
  state.deps.close(socket, closeCodes.expired, 'the connection cannot be restored, get a new ticket')
}

/** What the texts of the attachment mean, or which of them this version of the service does not understand any more. */
function meaningOf({ organizationId, q, cursor }: Attachment): AttachmentMeaning | string {
  const positions = decodeTailCursor(organizationId, cursor)
  // Without its place it would get all of history again.
  if (positions === undefined) return 'cursor'
  try {
    return { filter: parseQuery(q), positions }
  } catch (error) {
    if (error instanceof QueryError) return 'query'
    throw error
  }
}
