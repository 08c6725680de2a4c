/** What became of one attempt to hand a notice over. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly status: number; readonly answer: string }
  /** It will never be accepted like this: nobody tries again by itself. */
  | { readonly kind: 'refused'; readonly error: string; readonly status: number | null; readonly answer: string | null }
  /** It may be accepted later, not before `retryAfterMs` if the other side said so. */
  | {
      readonly kind: 'unreachable'
      readonly error: string
      readonly status: number | null
      readonly answer: string | null
      readonly retryAfterMs: number | null
    }
