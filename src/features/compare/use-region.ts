import type { PixelArea } from '../../components/picture-canvas.tsx';
import { shownRun } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';

/** The region to enlarge as the comparison shows and draws it: over the input, whose every pixel is `scale` of the shown picture's. */
export function useRegion() {
  const { region, scale } = useStudio((state) => state.settings);
  const drawing = useStudio((state) => state.view.drawing);
  const run = useStudio(shownRun);
  const actions = useActions();
  const shown = run === undefined && region !== null;
  return {
    drawing: drawing && run === undefined,
    chosen: region !== null,
    text: region === null ? 'Draw region' : `Region ${region.width}×${region.height}`,
    area: shown ? times(region, scale) : null,
    /** Drawing is done over the input, so a result gives way to it. */
    toggle: () => {
      if (run !== undefined) void actions.showRun(null);
      actions.show({ drawing: !drawing || run !== undefined });
    },
    clear: () => {
      actions.change({ region: null });
      actions.show({ drawing: false });
    },
    onDrawn: (area: PixelArea) => {
      actions.change({ region: inInput(area, scale) });
      actions.show({ drawing: false });
    },
  };
}

function times({ top, left, height, width }: PixelArea, scale: number): PixelArea {
  return { top: top * scale, left: left * scale, height: height * scale, width: width * scale };
}

/** The pixels of the input that a rectangle of the shown picture touches. */
function inInput({ top, left, height, width }: PixelArea, scale: number): PixelArea {
  const [first, start] = [Math.floor(top / scale), Math.floor(left / scale)];
  return { top: first, left: start, height: Math.ceil((top + height) / scale) - first, width: Math.ceil((left + width) / scale) - start };
}
