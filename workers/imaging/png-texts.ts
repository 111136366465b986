import type { CarriedText } from '../../src/protocol/picture-file.ts';
import { pngChunk, pngChunks } from './png-chunks.ts';

/** Signature and IHDR. */
const HEAD_BYTES = 33;
const TEXT_TYPES = ['tEXt', 'zTXt', 'iTXt'];
/** XMP, EXIF and IPTC written as texts, which travel on their own. */
const PACKED = /^(XML:com\.adobe\.xmp$|Raw profile type )/;

/** The tEXt chunks of a PNG by keyword, its pixels left alone; nothing of other files. A damaged file gives what stands before the damage. */
export function pngTexts(bytes: Uint8Array): Readonly<Record<string, string>> {
  const latin1 = new TextDecoder('latin1');
  const texts: Record<string, string> = {};
  for (const { type, data } of pngChunks(bytes)) {
    const keyword = type === 'tEXt' ? keywordOf(data) : '';
    if (keyword !== '') texts[keyword] = latin1.decode(data.subarray(data.indexOf(0) + 1));
  }
  return texts;
}

/** The texts of a PNG of every kind of chunk, but for metadata packed into them. `unpacked`: what they say, by keyword. */
export function carriedTexts(bytes: Uint8Array, unpacked: Readonly<Record<string, string>>): readonly CarriedText[] {
  return [...pngChunks(bytes)].flatMap(({ type, data, whole }) => {
    const keyword = TEXT_TYPES.includes(type) ? keywordOf(data) : '';
    return keyword === '' || PACKED.test(keyword)
      ? []
      : [{ keyword, text: unpacked[keyword] ?? '', chunk: whole.slice() as Uint8Array<ArrayBuffer> }];
  });
}

/** A PNG with texts before everything but its header: ASCII by keyword, and chunks as they are. The pixels are not copied. */
export function withPngTexts(png: Blob, texts: Readonly<Record<string, string>>, carried: readonly Uint8Array<ArrayBuffer>[] = []): Blob {
  const own = Object.entries(texts).map(([keyword, text]) => pngChunk('tEXt', new TextEncoder().encode(`${keyword}\0${text}`)));
  return new Blob([png.slice(0, HEAD_BYTES), ...own, ...carried, png.slice(HEAD_BYTES)], { type: png.type });
}

function keywordOf(data: Uint8Array): string {
  return new TextDecoder('latin1').decode(data.subarray(0, Math.max(0, data.indexOf(0))));
}
