import { patternWordsSeenMax } from '../../core/limits.ts'

/** Stands for a word that varies, in a pattern. */
export const wildcard = '<*>'

/** Masked messages of which this many are alike become one pattern; fewer stay as they are. */
const variantsMin = 4
/** Share of its words that a pattern must have in common; with less it says nothing. */
const literalShareMin = 0.5
/** A word in this share of similar messages is no value but makes a message of its own. */
const wordShareMin = 0.1

/** A masked message as words, and what stands between them. */
interface Parts {
  text: string
  /** Words at even places, separators at odd ones. */
  words: string[]
}

const separators = /([\s=,;:()[\]{}|/"']+)/

/**
 * The pattern of each masked message, by its text. Those with the same separators are split by their most frequent word until they
 * differ only in rare words, as in Drain or IPLoM; four or more then share a pattern. It follows from the set of texts, not from
 * their order or counts. Patterns may be given too: they take in what fits them.
 */
export function clusterTexts(texts: Iterable<string>): Map<string, string> {
  const patternOf = new Map<string, string>()
  const budget = { wordsLeft: patternWordsSeenMax }
  const shapes = Map.groupBy(Array.from(texts).sort(), (text) => shapeOf(text))
  for (const group of shapes.values()) {
    const set = group.map((text) => ({ text, words: text.split(separators) }))
    for (const { pattern, members } of split(absorbed(set, patternOf), budget)) for (const { text } of members) patternOf.set(text, pattern)
  }
  // What a pattern took in belongs to what became of the pattern.
  for (const [text, pattern] of patternOf) patternOf.set(text, patternOf.get(pattern) ?? pattern)
  return patternOf
}

/** Its separators, with a mark for each word and the name of each placeholder. */
function shapeOf(text: string): string {
  return text
    .split(separators)
    .map((part, i) => (i % 2 === 1 ? part : '\0'))
    .join('')
}

/** The set without the messages that fit one of its patterns; these go to `patternOf`. */
function absorbed(set: readonly Parts[], patternOf: Map<string, string>): readonly Parts[] {
  const patterns = set.filter(({ words }) => words.includes(wildcard))
  if (patterns.length === 0) return set
  return set.filter((parts) => {
    const pattern = patterns.find((each) => each !== parts && fits(each.words, parts.words))
    if (pattern !== undefined) patternOf.set(parts.text, pattern.text)
    return pattern === undefined
  })
}

function fits(pattern: readonly string[], words: readonly string[]): boolean {
  return pattern.every((word, i) => word === wildcard || word === words[i])
}

interface Cluster {
  pattern: string
  members: readonly Parts[]
}

function split(set: readonly Parts[], budget: { wordsLeft: number }): Cluster[] {
  const clusters: Cluster[] = []
  for (let rest = set; rest.length > 0;) {
    budget.wordsLeft -= rest.length * rest[0]!.words.length
    const { varied, best, literalShare } = lookAt(rest)
    const isAlike = rest.length >= variantsMin && literalShare >= literalShareMin
    if (varied.length === 0 || (isAlike && best.count < wordShareMin * rest.length)) {
      clusters.push({ pattern: patternOfSet(rest, varied), members: rest })
      break
    }
    if (best.count < 2 || budget.wordsLeft < 0) {
      if (isAlike) clusters.push({ pattern: patternOfSet(rest, varied), members: rest })
      else clusters.push(...rest.map((parts) => ({ pattern: parts.text, members: [parts] })))
      break
    }
    const [withWord, without] = [
      rest.filter(({ words }) => words[best.place] === best.word),
      rest.filter(({ words }) => words[best.place] !== best.word),
    ]
    clusters.push(...split(withWord, budget))
    rest = without
  }
  return clusters
}

/** The places where a set differs, its most frequent word there, and the share of its words that are the same in all. */
function lookAt(set: readonly Parts[]) {
  const varied: number[] = []
  let best: FrequentWord = { place: -1, word: '', count: 0 }
  let literals = 0
  for (let place = 0; place < set[0]!.words.length; place += 2) {
    const counts = new Map<string, number>()
    for (const { words } of set) counts.set(words[place]!, (counts.get(words[place]!) ?? 0) + 1)
    if (counts.size === 1) {
      if (/\p{L}/u.test(set[0]!.words[place]!.replace(/<[^>]*>/g, ''))) literals++
      continue
    }
    varied.push(place)
    const word = mostFrequent(counts)
    best = moreFrequent(best, place, word, counts.get(word) ?? 0)
  }
  return lookOf(varied, best, literals)
}

/** Apart from the loops, as every object with number fields: see encode/extent.ts. */
function lookOf(varied: number[], best: FrequentWord, literals: number) {
  return { varied, best, literalShare: literals / (literals + varied.length) }
}

interface FrequentWord {
  place: number
  word: string
  count: number
}

function moreFrequent(best: FrequentWord, place: number, word: string, count: number): FrequentWord {
  return count > best.count ? { place, word, count } : best
}

/** The most frequent word but for wildcards. */
function mostFrequent(counts: ReadonlyMap<string, number>): string {
  let found = ''
  let most = 0
  for (const [word, count] of counts) {
    if (count <= most || word === wildcard) continue
    found = word
    most = count
  }
  return found
}

function patternOfSet(set: readonly Parts[], varied: readonly number[]): string {
  const words = set[0]!.words.slice()
  for (const place of varied) words[place] = wildcard
  return words.join('')
}
