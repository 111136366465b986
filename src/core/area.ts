/** Height and width, in pixels or latent cells. */
export interface Extent {
  readonly height: number;
  readonly width: number;
}

/** A rectangle of pixels or latent cells. */
export interface Area extends Extent {
  readonly top: number;
  readonly left: number;
}

/** All of it. */
export function wholeArea({ height, width }: Extent): Area {
  return { top: 0, left: 0, height, width };
}

/** The same rectangle where every cell is `scale` × `scale` pixels. */
export function scaleArea({ top, left, height, width }: Area, scale: number): Area {
  return { top: top * scale, left: left * scale, height: height * scale, width: width * scale };
}

/** The rectangle with up to `margin` more on every side, as far as `within` goes. */
export function growArea({ top, left, height, width }: Area, margin: number, within: Extent): Area {
  const [grownTop, grownLeft] = [Math.max(0, top - margin), Math.max(0, left - margin)];
  return {
    top: grownTop,
    left: grownLeft,
    height: Math.min(within.height, top + height + margin) - grownTop,
    width: Math.min(within.width, left + width + margin) - grownLeft,
  };
}

/** The smallest rectangle of cells of `cell` × `cell` pixels that covers a rectangle of pixels. */
export function coveringCells({ top, left, height, width }: Area, cell: number): Area {
  const [firstRow, firstColumn] = [Math.floor(top / cell), Math.floor(left / cell)];
  return {
    top: firstRow,
    left: firstColumn,
    height: Math.ceil((top + height) / cell) - firstRow,
    width: Math.ceil((left + width) / cell) - firstColumn,
  };
}

/** Where a rectangle lies within another that holds it. */
export function areaWithin(area: Area, outer: Area): Area {
  return { ...area, top: area.top - outer.top, left: area.left - outer.left };
}

/** Whether two rectangles share anything. */
export function areasMeet(a: Area, b: Area): boolean {
  return a.top < b.top + b.height && b.top < a.top + a.height && a.left < b.left + b.width && b.left < a.left + a.width;
}

/** Whether a rectangle lies in another. */
export function isInside(area: Area, outer: Area): boolean {
  const { top, left } = areaWithin(area, outer);
  return top >= 0 && left >= 0 && top + area.height <= outer.height && left + area.width <= outer.width;
}

/** Throws RangeError for a rectangle that is empty or not inside. */
export function checkInside({ top, left, height, width }: Area, within: Extent): void {
  const inside = top >= 0 && left >= 0 && height >= 1 && width >= 1 && top + height <= within.height && left + width <= within.width;
  if (!inside) {
    throw new RangeError(`expected an area inside ${within.height}×${within.width}, got ${height}×${width} at ${top}, ${left}`);
  }
}
