import { tailClientMessageCharsMax, tailStrikesMax } from '../../core/limits.ts'
import { decodeTailCursor } from './cursor.ts'
import { recordAck, takeClientMessage } from './flow.ts'
import { clientMessage, end, send, sendError, sendSlow } from './messages.ts'
import type { Subscriber, TailState } from './state.ts'

/** One message of a client. What is not understood is answered with an error, and too often with a closed connection. */
export function receive<S>(state: TailState<S>, subscriber: Subscriber<S>, data: string | ArrayBuffer): void {
  if (typeof data !== 'string') return end(state, subscriber, 1003, 'binary messages are not understood')
  if (data.length > tailClientMessageCharsMax) return end(state, subscriber, 1009, 'the message is too long')
  const mistake = takeClientMessage(subscriber.flow, state.deps.now()) ? obey(state, subscriber, data) : 'too many messages'
  if (mistake === undefined) return
  sendError(state, subscriber, mistake)
  if (++subscriber.strikes >= tailStrikesMax) end(state, subscriber, 1008, 'too many bad messages')
}

/** Does what the message asks, or says what is wrong with it. */
function obey<S>(state: TailState<S>, subscriber: Subscriber<S>, text: string): string | undefined {
  const parsed = clientMessage.safeParse(parseJson(text))
  if (!parsed.success) return 'expected {"type":"ping"} or {"type":"ack","cursor":"..."}'
  if (parsed.data.type === 'ping') {
    send(state, subscriber, '{"type":"pong"}')
    return undefined
  }
  const positions = decodeTailCursor(subscriber.organizationId, parsed.data.cursor)
  if (positions === undefined) return 'the cursor of the ack is not one that was sent'
  recordAck(subscriber.flow, state.flow, positions, state.deps.now())
  sendSlow(state, subscriber)
  state.dirty.add(subscriber)
  return undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
