// QR codes (ISO/IEC 18004) of short texts: bytes, error correction M, versions 1 to 10, which hold 213 bytes.

/** Of each version: error correction codewords of a block, and the data codewords of its blocks. */
const BLOCKS: readonly (readonly [number, readonly number[]])[] = [
  [10, [16]],
  [16, [28]],
  [26, [44]],
  [18, [32, 32]],
  [24, [43, 43]],
  [16, [27, 27, 27, 27]],
  [18, [31, 31, 31, 31]],
  [22, [38, 38, 39, 39]],
  [22, [36, 36, 36, 37, 37]],
  [26, [43, 43, 43, 43, 44]],
];

/** Centres of alignment patterns beside 6, by version. */
const ALIGNMENT: readonly (readonly number[])[] = [
  [],
  [18],
  [22],
  [26],
  [30],
  [34],
  [22, 38],
  [24, 42],
  [26, 46],
  [28, 50],
];

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** Rows of dark (true) and light modules, without the quiet zone. */
export type Modules = readonly (readonly boolean[])[];

/** Product in the field of 256 elements with the polynomial 0x11d. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

/** The generator polynomial of so many error correction codewords, without its leading 1. */
function generator(degree: number): number[] {
  const result: number[] = Array.from({ length: degree }, (_, index) => (index === degree - 1 ? 1 : 0));
  let root = 1;
  for (let power = 0; power < degree; power += 1) {
    for (let index = 0; index < degree; index += 1) {
      result[index] = multiply(result[index] ?? 0, root) ^ (result[index + 1] ?? 0);
    }
    root = multiply(root, 2);
  }
  return result;
}

function remainder(data: readonly number[], divisor: readonly number[]): number[] {
  const result = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ (result.shift() ?? 0);
    result.push(0);
    divisor.forEach((coefficient, index) => (result[index] = (result[index] ?? 0) ^ multiply(coefficient, factor)));
  }
  return result;
}

/** Mode, length, bytes and padding. */
function dataCodewords(bytes: Uint8Array, version: number, capacity: number): number[] {
  const bits: number[] = [];
  const push = (value: number, length: number) => {
    for (let bit = length - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  push(4, 4);
  push(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) push(byte, 8);
  push(0, Math.min(4, capacity * 8 - bits.length));
  push(0, (8 - (bits.length % 8)) % 8);
  const words: number[] = [];
  for (let at = 0; at < bits.length; at += 8) words.push(Number.parseInt(bits.slice(at, at + 8).join(''), 2));
  for (let pad = 0xec; words.length < capacity; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

/** The first of each list, then the second of each, and so on. */
const turns = (lists: readonly (readonly number[])[], length: number): number[] =>
  Array.from({ length }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();

/** Blocks with their error correction, taken from each in turn. */
function interleave(words: readonly number[], ec: number, sizes: readonly number[]): number[] {
  const divisor = generator(ec);
  let from = 0;
  const blocks = sizes.map((size) => words.slice(from, (from += size)));
  const checks = blocks.map((block) => remainder(block, divisor));
  return [...turns(blocks, Math.max(...sizes)), ...turns(checks, ec)];
}

/** A number and the remainder of its division, as format and version are written. */
function withCheck(value: number, length: number, polynomial: number): number {
  let rest = value;
  for (let step = 0; step < length; step += 1) rest = (rest << 1) ^ ((rest >> (length - 1)) * polynomial);
  return (value << length) | rest;
}

class Drawing {
  readonly size: number;
  readonly dark: boolean[][];
  /** Modules that are no data. */
  readonly fixed: boolean[][];

  constructor(readonly version: number) {
    this.size = 17 + 4 * version;
    const blank = () => Array.from({ length: this.size }, () => Array.from({ length: this.size }, () => false));
    this.dark = blank();
    this.fixed = blank();
    this.#patterns();
  }

  #set(x: number, y: number, dark: boolean): void {
    const [row, fixed] = [this.dark[y], this.fixed[y]];
    if (!row || !fixed || x < 0 || x >= this.size) return;
    row[x] = dark;
    fixed[x] = true;
  }

  #patterns(): void {
    const { size, version } = this;
    for (let at = 0; at < size; at += 1) {
      this.#set(6, at, at % 2 === 0);
      this.#set(at, 6, at % 2 === 0);
    }
    const corners = [
      [3, 3],
      [size - 4, 3],
      [3, size - 4],
    ] as const;
    for (const [cx, cy] of corners) {
      for (let dy = -4; dy <= 4; dy += 1) {
        for (let dx = -4; dx <= 4; dx += 1) {
          const ring = Math.max(Math.abs(dx), Math.abs(dy));
          this.#set(cx + dx, cy + dy, ring !== 2 && ring !== 4);
        }
      }
    }
    const centres = ALIGNMENT[version - 1] ?? [];
    const last = centres.at(-1);
    const all = [6, ...centres];
    for (const cx of centres.length > 0 ? all : []) {
      for (const cy of all) {
        // There the corners stand.
        if ((cx === 6 && (cy === 6 || cy === last)) || (cy === 6 && cx === last)) continue;
        for (let dy = -2; dy <= 2; dy += 1) {
          for (let dx = -2; dx <= 2; dx += 1) {
            this.#set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
          }
        }
      }
    }
    this.format(0);
    if (version < 7) return;
    const bits = withCheck(version, 12, 0x1f25);
    for (let bit = 0; bit < 18; bit += 1) {
      const [along, across] = [size - 11 + (bit % 3), Math.floor(bit / 3)];
      this.#set(along, across, ((bits >> bit) & 1) === 1);
      this.#set(across, along, ((bits >> bit) & 1) === 1);
    }
  }

  /** Which mask was used, twice. Level M is 0. */
  format(mask: number): void {
    const bits = withCheck(mask, 10, 0x537) ^ 0x5412;
    const is = (bit: number) => ((bits >> bit) & 1) === 1;
    for (let bit = 0; bit < 6; bit += 1) this.#set(8, bit, is(bit));
    this.#set(8, 7, is(6));
    this.#set(8, 8, is(7));
    this.#set(7, 8, is(8));
    for (let bit = 9; bit < 15; bit += 1) this.#set(14 - bit, 8, is(bit));
    for (let bit = 0; bit < 8; bit += 1) this.#set(this.size - 1 - bit, 8, is(bit));
    for (let bit = 8; bit < 15; bit += 1) this.#set(8, this.size - 15 + bit, is(bit));
    this.#set(8, this.size - 8, true);
  }

  /** The places of data, in their order: pairs of columns from the right, up and down by turns. */
  *places(): Generator<readonly [number, number]> {
    let up = true;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      // The column of the timing pattern is passed over.
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step += 1) {
        const y = up ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) if (!this.fixed[y]?.[x]) yield [x, y];
      }
      up = !up;
    }
  }

  fill(words: readonly number[]): void {
    let bit = 0;
    for (const [x, y] of this.places()) {
      const row = this.dark[y];
      if (row) row[x] = (((words[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
      bit += 1;
    }
  }

  mask(mask: number): void {
    const flips = MASKS[mask];
    for (const [x, y] of this.places()) {
      const row = this.dark[y];
      if (row && flips?.(x, y)) row[x] = !row[x];
    }
  }
}

/** How hard a code is to read: long runs, blocks, false corners, uneven darkness. */
function penalty(modules: Modules): number {
  const size = modules.length;
  const columns = Array.from({ length: size }, (_, x) => modules.map((row) => row[x] ?? false));
  let sum = 0;
  let dark = 0;
  for (const line of [...modules, ...columns]) {
    const text = line.map(Number).join('');
    for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) sum += run.length - 2;
    for (const _ of text.matchAll(/(?=10111010000|00001011101)/g)) sum += 40;
  }
  modules.forEach((row, y) =>
    row.forEach((module, x) => {
      if (module) dark += 1;
      const [right, below, across] = [row[x + 1], modules[y + 1]?.[x], modules[y + 1]?.[x + 1]];
      if (module === right && module === below && module === across) sum += 3;
    }),
  );
  return sum + 10 * Math.floor(Math.abs((dark * 20) / (size * size) - 10));
}

/** Returns the code of a text; undefined when it is too long. */
export function encode(text: string): Modules | undefined {
  const bytes = new TextEncoder().encode(text);
  const index = BLOCKS.findIndex(([, sizes], at) => {
    const capacity = sizes.reduce((sum, size) => sum + size, 0);
    return bytes.length + (at < 9 ? 2 : 3) <= capacity;
  });
  const found = BLOCKS[index];
  if (!found) return undefined;
  const [ec, sizes] = found;
  const capacity = sizes.reduce((sum, size) => sum + size, 0);
  const drawing = new Drawing(index + 1);
  drawing.fill(interleave(dataCodewords(bytes, drawing.version, capacity), ec, sizes));
  const penalties = MASKS.map((_, mask) => {
    drawing.mask(mask);
    drawing.format(mask);
    const result = penalty(drawing.dark);
    drawing.mask(mask);
    return result;
  });
  const best = penalties.indexOf(Math.min(...penalties));
  drawing.mask(best);
  drawing.format(best);
  return drawing.dark;
}
