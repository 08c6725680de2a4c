import { describe, expect, it } from 'vitest'
import { routes } from '../../../src/routes.ts'
import { isOptional } from '../../../src/http/route.ts'

/*
 * A PATCH names at least one field; a PUT has the whole thing, so that what may be left out of it has a default, which the
 * description of the API shows.
 */

const bodiesOf = (method: string) =>
  routes.flatMap(({ spec }) => (spec.method === method && spec.json ? [[spec.id, spec.json] as const] : []))

describe('the body', () => {
  it.each(bodiesOf('patch'))('of %s may not be empty', (_, json) => {
    expect(json.safeParse({}).success).toBe(false)
  })

  it.each(bodiesOf('put'))('of %s leaves nothing out that has no default', (_, json) => {
    const shapes = shapesOf(json)
    const unset = shapes.flatMap((shape) =>
      Object.entries(shape).filter(([, field]) => isOptional(field) && field.parse(undefined) === undefined),
    )
    expect(shapes.filter((shape) => Object.keys(shape).length === 0)).toEqual([])
    expect(unset.map(([name]) => name)).toEqual([])
  })
})

type Shape = Record<string, Parameters<typeof isOptional>[0]>

/** Of a body that is one of several kinds, that of each. */
function shapesOf(json: unknown): Shape[] {
  const { shape, options } = json as { shape?: Shape; options?: readonly { shape: Shape }[] }
  return options?.map((option) => option.shape) ?? [shape ?? {}]
}
