/** A team's name as names are compared: compatible characters (full-width letters, ligatures) are alike, and so is case. */
export function teamNameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC')
}
