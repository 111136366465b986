export interface Extent {
  readonly height: number;
  readonly width: number;
}

/** Where a picture lies in a viewport. */
export interface Placement {
  /** CSS pixels a picture pixel takes. */
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

const MIN_SCALE = 0.05;
const MAX_SCALE = 16;

/** How far an edge of the picture can be dragged into the viewport, as a share of that: as far as two halves side by side need. */
const EDGE_SHARE = 0.25;

/** As large as it can be shown whole, in the middle. */
export function fitInto(viewport: Extent, picture: Extent): Placement {
  if (viewport.width === 0 || viewport.height === 0 || picture.width === 0) return { scale: 1, left: 0, top: 0 };
  const scale = Math.min(viewport.width / picture.width, viewport.height / picture.height);
  return { scale, left: (viewport.width - picture.width * scale) / 2, top: (viewport.height - picture.height * scale) / 2 };
}

/** Closer by `factor`, within bounds, with what is at (x, y) of the viewport staying there. */
export function zoomAbout(from: Placement, factor: number, x: number, y: number): Placement {
  const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, from.scale * factor));
  const ratio = scale / from.scale;
  return { scale, left: x - (x - from.left) * ratio, top: y - (y - from.top) * ratio };
}

/** The nearest placement that does not lose the picture: none of its edges is further from the viewport's than a share of it. */
export function clampPlacement({ scale, left, top }: Placement, viewport: Extent, picture: Extent): Placement {
  return {
    scale,
    left: clampSide(left, viewport.width, picture.width * scale),
    top: clampSide(top, viewport.height, picture.height * scale),
  };
}

function clampSide(start: number, room: number, length: number): number {
  const slack = EDGE_SHARE * room;
  const [least, most] = [Math.min(slack, room - length - slack), Math.max(room - length - slack, slack)];
  return Math.min(most, Math.max(least, start));
}
