import { parseTimestamp } from '../../core/time.ts'
import { fold } from '../encode/tokens.ts'
import type { Bound, Field, Filter, Instant, TimeField } from './ast.ts'
import { fail } from './lexer.ts'
import type { Lexer, Operand } from './lexer.ts'
import { numberOf } from './number_text.ts'
import { severityComparison } from './parser_severity.ts'

interface Bounds {
  min?: Bound<Operand> | undefined
  max?: Bound<Operand> | undefined
}

/** A comparison or range; what the operands mean (number, text, severity, time) follows from the field and their form. */
export function compareLeaf(lexer: Lexer, field: Field, { min, max }: Bounds): Filter {
  if (min === undefined && max === undefined) return { kind: 'exists', field }
  if ('system' in field) {
    if (field.system === 'severity') return severityComparison(lexer, min, max)
    if (field.system !== 'message' && field.system !== 'source') return timeComparison(lexer, field.system, min, max)
  }
  const low = min && { value: operandValue(min.value), inclusive: min.inclusive }
  const high = max && { value: operandValue(max.value), inclusive: max.inclusive }
  if (low && high && min && max && (typeof low.value === 'string') !== (typeof high.value === 'string')) {
    fail(lexer, 'two numbers or two texts as bounds', max.value.start)
  }
  return { kind: 'compare', field, min: low, max: high }
}

function operandValue({ text }: Operand): number | bigint | string {
  return numberOf(text) ?? fold(text)
}

function timeComparison(lexer: Lexer, column: TimeField, min: Bound<Operand> | undefined, max: Bound<Operand> | undefined): Filter {
  const instant = (bound: Bound<Operand>): Bound<Instant> => ({ value: instantOf(lexer, bound.value), inclusive: bound.inclusive })
  return { kind: 'time', column, min: min && instant(min), max: max && instant(max) }
}

function instantOf(lexer: Lexer, { text, start }: Operand): Instant {
  return parseTimestamp(text) ?? fail(lexer, 'a time such as 2026-11-22T07:00:00Z', start)
}
