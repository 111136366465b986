import { FILE_ENDINGS, type SaveFormat } from '../protocol/picture-file.ts';

interface Sides {
  readonly height: number;
  readonly width: number;
}

/** Which of several results one is, and whether it is of the steps that were taken before the run was stopped. */
export type ResultMark = 'base' | 'rfsr' | 'mix' | 'partial';

/** NAME-WxH with its marks and the format's ending. */
export function resultFileName(
  pictureName: string,
  { height, width }: Sides,
  marks: readonly ResultMark[],
  format: SaveFormat = 'png',
): string {
  const stem = pictureName.replace(/\.[^.]*$/, '') || 'picture';
  return `${stem}-${[`${width}x${height}`, ...marks].join('-')}.${FILE_ENDINGS[format]}`;
}

/** The name, or the first of NAME-2, NAME-3, … that is not taken, which it is then. Case makes no difference, as in many file systems. */
export function uniqueName(name: string, taken: Set<string>): string {
  const used = new Set([...taken].map((known) => known.toLowerCase()));
  const dot = name.lastIndexOf('.');
  const numbered = (n: number): string => (n === 1 ? name : `${name.slice(0, dot)}-${n}${name.slice(dot)}`);
  let n = 1;
  while (used.has(numbered(n).toLowerCase())) n++;
  taken.add(numbered(n));
  return numbered(n);
}
