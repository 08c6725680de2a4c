import { severities, severityFromText } from '../../core/severity.ts'
import type { Bound, Filter } from './ast.ts'
import { matchesGlob } from './filter_glob.ts'
import { fail, hasWildcard, literalOf } from './lexer.ts'
import type { Lexer, Operand, Text } from './lexer.ts'

const everyMask = 2 ** severities.length - 1

/** severity:warn, severity:err* (a pattern is held against the six names), severity:* */
export function severityLeafOf(lexer: Lexer, text: Text): Filter {
  if (!hasWildcard(text)) return { kind: 'severity', mask: severityMaskOf(lexer, literalOf(text), text.start) }
  const mask = severities.reduce((sum, name, i) => (matchesGlob(name, text.parts) ? sum | (1 << i) : sum), 0)
  if (mask === 0) fail(lexer, `a pattern that fits one of ${severities.join(', ')}`, text.start)
  return { kind: 'severity', mask }
}

/** The bit of the severity that a name or alias stands for. */
export function severityMaskOf(lexer: Lexer, text: string, position: number): number {
  const index = severityFromText(text)
  if (index === undefined) fail(lexer, `a severity (${severities.join(', ')})`, position)
  return 1 << index
}

/** severity:>=warning and severity:[debug TO error], by rank. */
export function severityComparison(lexer: Lexer, min: Bound<Operand> | undefined, max: Bound<Operand> | undefined): Filter {
  let mask = everyMask
  if (min !== undefined) {
    const bit = severityMaskOf(lexer, min.value.text, min.value.start)
    mask &= everyMask & ~((min.inclusive ? bit : bit << 1) - 1)
  }
  if (max !== undefined) {
    const bit = severityMaskOf(lexer, max.value.text, max.value.start)
    mask &= (max.inclusive ? bit << 1 : bit) - 1
  }
  return { kind: 'severity', mask }
}
