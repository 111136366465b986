import { StudioError } from '../../src/protocol/errors.ts';
import { type Chromaticity, type Curve, matrixProfile, powerCurve, type RgbSpace, SRGB_CURVE } from './matrix-profile.ts';
import { pngChunks } from './png-chunks.ts';

/** The profile that a PNG's numbers are in, and the one results are to be written in: null for sRGB. */
export interface FileProfile {
  readonly read: Uint8Array<ArrayBuffer>;
  readonly write: Uint8Array<ArrayBuffer> | null;
}

type Primaries = Pick<RgbSpace, 'red' | 'green' | 'blue' | 'white'>;

const D65: Chromaticity = [0.3127, 0.329];
const SRGB: Primaries = { red: [0.64, 0.33], green: [0.3, 0.6], blue: [0.15, 0.06], white: D65 };
/** By the numbers of ITU-T H.273. */
const PRIMARIES: Readonly<Record<number, readonly [string, Primaries]>> = {
  1: ['sRGB', SRGB],
  9: ['Rec. 2020', { red: [0.708, 0.292], green: [0.17, 0.797], blue: [0.131, 0.046], white: D65 }],
  12: ['Display P3', { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06], white: D65 }],
};
/** That of displays (BT.1886), as Chromium has it, not of cameras. */
const REC709_CURVE = powerCurve(2.4);
const CURVES: Readonly<Record<number, Curve>> = {
  1: REC709_CURVE,
  4: powerCurve(2.2),
  5: powerCurve(2.8),
  6: REC709_CURVE,
  8: powerCurve(1),
  13: SRGB_CURVE,
  14: REC709_CURVE,
  15: REC709_CURVE,
};
const HDR_CURVES: Readonly<Record<number, string>> = { 16: 'PQ', 18: 'HLG' };
/** gAMA that says no more than that the file is an ordinary one. */
const ORDINARY_GAMMA = 45_455;
/** Chunks count in so many parts of one. */
const ONE = 100_000;
/** Chromaticities nearer than this are the same. */
const SAME = 0.002;

/**
 * What a PNG's cICP, or its gAMA and cHRM, say of its colours, as Chromium takes them: cICP before a profile before sRGB before gAMA, which
 * counts without cHRM, but not cHRM without it. Null where nothing is said beyond sRGB or a profile. Throws StudioError `image-not-an-image` for PQ and HLG.
 */
export function pngColour(bytes: Uint8Array, name: string): FileProfile | null {
  const found = new Map<string, DataView>();
  for (const { type, data } of pngChunks(bytes)) {
    if (type === 'IDAT') break;
    if (!found.has(type)) found.set(type, new DataView(data.buffer, data.byteOffset, data.length));
  }
  const cicp = found.get('cICP');
  const coded = cicp?.byteLength === 4 && cicp.getUint8(2) === 0 ? codedColour(cicp, name) : null;
  if (coded !== null) return coded;
  const gama = found.get('gAMA');
  if (found.has('iCCP') || found.has('sRGB') || gama?.byteLength !== 4) return null;
  const gamma = gama.getUint32(0);
  const chrm = found.get('cHRM');
  const primaries = chrm?.byteLength === 32 ? primariesOf(chrm) : null;
  // beyond these no picture is meant
  if (gamma < ONE / 10 || gamma > 10 * ONE || (primaries === null && gamma === ORDINARY_GAMMA)) return null;
  return profileOf('gAMA and cHRM', primaries ?? SRGB, powerCurve(ONE / gamma));
}

/** Of primaries and curve by number; null for numbers that are not known. */
function codedColour(cicp: DataView, name: string): FileProfile | null {
  const transfer = cicp.getUint8(1);
  const hdr = HDR_CURVES[transfer];
  if (hdr !== undefined) {
    const text = `“${name}” is a PNG of high dynamic range (${hdr}), which this studio cannot read. Save it as an ordinary picture first.`;
    throw new StudioError('image-not-an-image', text, { details: { name, transfer } });
  }
  const [primaries, curve] = [PRIMARIES[cicp.getUint8(0)], CURVES[transfer]];
  return primaries === undefined || curve === undefined ? null : profileOf(...primaries, curve);
}

function profileOf(name: string, primaries: Primaries, curve: Curve): FileProfile | null {
  try {
    const write = isSrgb(primaries) ? null : matrixProfile({ name, ...primaries, curve: SRGB_CURVE });
    return { read: matrixProfile({ name, ...primaries, curve }), write };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Those of cHRM: white, red, green, blue. Null where a y is zero. */
function primariesOf(chrm: DataView): Primaries | null {
  const points = [0, 1, 2, 3].map((i): Chromaticity => [chrm.getUint32(8 * i) / ONE, chrm.getUint32(8 * i + 4) / ONE]);
  const [white, red, green, blue] = points;
  if (white === undefined || red === undefined || green === undefined || blue === undefined) return null;
  return points.every(([x, y]) => x >= 0 && y > 0 && x + y <= 1) ? { white, red, green, blue } : null;
}

function isSrgb(primaries: Primaries): boolean {
  return (['red', 'green', 'blue', 'white'] as const).every((key) =>
    primaries[key].every((value, i) => Math.abs(value - (SRGB[key][i] ?? 0)) < SAME),
  );
}
