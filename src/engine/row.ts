/**
 * One attribute value. `bigint` holds an integer beyond 2^53 exactly; numbers are finite; arrays
 * arrive here already as JSON text (a string).
 */
export type AttributeValue = string | number | boolean | bigint

/** What the encoder takes. The caller may reuse one object (and its arrays) for every row. */
export interface EncodableRow {
  /** Event time, milliseconds since 1970, integer, 0 to 10^13 exclusive. */
  timestampMs: number
  /** Nanoseconds within the millisecond, integer, 0 to 999,999. */
  timestampNs: number
  /** Index into `severities`. */
  severity: number
  source: string
  message: string
  /** Flattened attribute names, in parallel with `values`; a repeated name: the last one wins. */
  names: string[]
  values: AttributeValue[]
}

/** A row read back from a block, with all that identifies it. */
export interface StoredRow {
  seq: number
  timestampMs: number
  timestampNs: number
  severity: number
  source: string
  message: string
  /** Own properties of a plain object, in column order of the block; write them with `setAttribute`, read them with `attributeOf`. */
  attributes: Record<string, AttributeValue>
  /** When it was received, milliseconds. */
  createdMs: number
  /** When it was last patched, milliseconds; 0 when never. */
  updatedMs: number
}

/** Sets an own property, also where the name is `__proto__`. */
export function setAttribute<T>(attributes: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__') Object.defineProperty(attributes, name, { value, enumerable: true, configurable: true, writable: true })
  else attributes[name] = value
}

/** The row's own attribute, never what every object inherits (`constructor`). */
export function attributeOf<T>(attributes: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined
}
