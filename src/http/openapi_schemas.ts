import * as z from 'zod'

export type Json = Record<string, unknown>

/** Collects the named schemas of a document while its operations are built. */
export interface SchemaBook {
  /** JSON Schema of `schema`, with every definition moved to the book; `name` is for definitions without an id. */
  add(schema: z.ZodType, io: 'input' | 'output', name: string): Json
  schemas(): Record<string, Json>
}

const componentsPath = '#/components/schemas/'

export function schemaBook(): SchemaBook {
  const known = new Map<string, Json>()

  function keep(name: string, schema: Json, io: 'input' | 'output'): void {
    const before = known.get(name)
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(schema)) {
      throw new Error(`two different ${io} schemas are called ${name}`)
    }
    known.set(name, schema)
  }

  return {
    add(schema, io, name) {
      const {
        $schema: _,
        $defs,
        ...json
      } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' }) as Json & { $defs?: Record<string, Json> }
      // A schema may differ as input and as output (defaults, transforms), so the two have different names.
      const nameOf = (key: string) => (key.startsWith('__') ? componentName(`${name}${key}`) : io === 'input' ? `${key}Input` : key)
      const root = componentName(name)
      const moved = (part: Json) =>
        moveRefs(part, (ref) => componentsPath + (ref === '#' ? root : nameOf(ref.slice('#/$defs/'.length)))) as Json
      for (const [key, definition] of Object.entries($defs ?? {})) keep(nameOf(key), moved(definition), io)
      if (!usesRoot(json)) return moved(json)
      keep(root, moved(json), io)
      return { $ref: componentsPath + root }
    },
    schemas: () => Object.fromEntries([...known].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function moveRefs(value: unknown, rename: (ref: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => moveRefs(item, rename))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === '$ref' && typeof item === 'string' ? rename(item) : moveRefs(item, rename)]),
  )
}

function usesRoot(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(usesRoot)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, item]) => (key === '$ref' && item === '#') || usesRoot(item))
}

/** Component keys may hold letters, digits, `.`, `-` and `_`. */
function componentName(text: string): string {
  return text.replace(/[^\w.-]/g, '_')
}
