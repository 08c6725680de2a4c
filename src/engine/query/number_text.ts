const numberText = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i
const integerText = /^-?\d+$/

/** Longer digit runs are no quantity that anyone compares, and converting them takes quadratic time. */
const numberCharsMax = 400

/** The number that the whole text is, exact also for integers beyond 2^53; undefined when it is none. */
export function numberOf(text: string): number | bigint | undefined {
  if (text.length > numberCharsMax || !numberText.test(text)) return undefined
  const number = Number(text)
  return integerText.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number
}
