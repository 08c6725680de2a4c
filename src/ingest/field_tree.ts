import { attributeNameBytesMax, fieldNamesCachedMax, fieldNamesUncachedMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import { fieldRules } from './field_rules.ts'
import type { FieldRule } from './field_rules.ts'
import type { RowFault } from './row_fault.ts'

/** A place in a record: what a key found below another key means. */
export interface Field {
  /** Flattened name, such as `req.headers.host`. */
  readonly name: string
  readonly rule: FieldRule | undefined
  /** Why no attribute can have this name. */
  readonly fault: RowFault | undefined
  /** The root, or `attributes` at the root: the names below it stand without its own. */
  readonly bare: boolean
  /** Names below it are never recognised, since Edgelog's own `attributes` hold nothing but attributes. */
  readonly plain: boolean
  readonly children: Map<string, Field>
}

export interface FieldTree {
  readonly root: Field
  child(parent: Field, key: string): Field
}

/**
 * Remembers every field name of a request, so that flattening and recognition cost one look-up by key for each field
 * of a record, and equal names are one string. Beyond `fieldNamesCachedMax` names it works them out each time,
 * and beyond `fieldNamesUncachedMax` times it throws a ProblemError: such a batch cannot be encoded in reasonable time.
 */
export function createFieldTree(): FieldTree {
  const root = createField('', undefined, undefined, true, false)
  root.children.set('attributes', createField('attributes', undefined, undefined, true, true))
  let cached = 0
  let uncached = 0

  function make(parent: Field, key: string): Field {
    const given = parent.bare ? key : `${parent.name}.${key}`
    const name = given === '' ? emptyName : given.toWellFormed()
    const rule = parent.plain ? undefined : fieldRules.get(name)
    const field = createField(name, rule, faultOf(name), false, parent.plain)
    if (cached < fieldNamesCachedMax && field.fault === undefined) {
      cached += 1
      parent.children.set(key, field)
    } else if (++uncached > fieldNamesUncachedMax)
      throw problem('payload_too_large', 'The records have too many different field names; send fewer at once.')
    return field
  }

  return { root, child: (parent, key) => parent.children.get(key) ?? make(parent, key) }
}

/** JSON allows an empty name; nobody could ask for it. */
const emptyName = '_'

function createField(name: string, rule: FieldRule | undefined, fault: RowFault | undefined, bare: boolean, plain: boolean): Field {
  return { name, rule, fault, bare, plain, children: new Map() }
}

function faultOf(name: string): RowFault | undefined {
  if (name.length * 3 <= attributeNameBytesMax || Buffer.byteLength(name) <= attributeNameBytesMax) return undefined
  const text = `the name ${JSON.stringify(`${name.slice(0, 40)}...`)} has more than ${attributeNameBytesMax} bytes`
  return { code: 'name_too_long', text }
}
