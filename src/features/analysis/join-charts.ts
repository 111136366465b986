const TITLE_HEIGHT = 28;
const MARGIN = 12;

interface Drawn {
  readonly title: string;
  readonly canvas: HTMLCanvasElement;
}

/** Charts below one another with their titles, as a PNG in the page's colours. */
export async function joinCharts(charts: readonly Drawn[]): Promise<Blob> {
  const css = getComputedStyle(document.documentElement);
  const width = Math.max(...charts.map(({ canvas }) => canvas.width)) + 2 * MARGIN;
  const height = charts.reduce((sum, { canvas }) => sum + canvas.height + TITLE_HEIGHT, 2 * MARGIN);
  const joined = new OffscreenCanvas(width, height);
  const context = joined.getContext('2d');
  if (context === null) throw new TypeError('expected a canvas to draw on');
  context.fillStyle = css.getPropertyValue('--panel');
  context.fillRect(0, 0, width, height);
  context.fillStyle = css.getPropertyValue('--text');
  context.font = '14px system-ui';
  let top = MARGIN;
  for (const { title, canvas } of charts) {
    context.fillText(title, MARGIN, top + 18);
    context.drawImage(canvas, MARGIN, top + TITLE_HEIGHT);
    top += TITLE_HEIGHT + canvas.height;
  }
  return joined.convertToBlob({ type: 'image/png' });
}
