import type { Column } from '../block/types.ts'

/** Value of each row in a column of numbers that every row has. */
export function numbersOfColumn(column: Column): (row: number) => number {
  const data = column.data()
  switch (data.kind) {
    case 'number': {
      const { values } = data
      return (row) => values[row]!
    }
    case 'constant': {
      const value = Number(data.value)
      return () => value
    }
    case 'dictionary': {
      const { codes } = data
      const values = Float64Array.from(data.values, Number)
      return (row) => values[codes[row]!]!
    }
    default:
      throw new TypeError(`column ${column.name} is not one of numbers`)
  }
}
