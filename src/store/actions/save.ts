import { recipeTexts } from '../../protocol/recipe.ts';
import { resultFrameId } from '../frames.ts';
import { shownPartner, shownRun } from '../state.ts';
import type { CompareActions } from './compare.ts';
import type { ActionContext } from './context.ts';

/** A picture that can be saved: the run's own result, the RFSR one of a pair, or their mix. */
export type ResultName = 'result' | 'rfsr' | 'mix';

export interface SaveActions {
  download(which: ResultName): Promise<{ readonly blob: Blob; readonly name: string } | null>;
}

export function createSaveActions({ state, frames, clients, attemptFor }: ActionContext, { mix }: CompareActions): SaveActions {
  return {
    download: (which) =>
      attemptFor(async () => {
        const { picture, view } = state();
        const [base, partner] = [shownRun(state()), shownPartner(state())];
        const run = which === 'rfsr' ? partner : base;
        if (run === undefined || run.finished === null) return null;
        const wanted = which === 'mix' && partner?.finished != null ? view.mix : null;
        const image = wanted === null ? frames.get(resultFrameId(run.runId)) : await mix(wanted);
        if (image == null) return null;
        const mixed = wanted === null || partner?.finished == null ? null : { ...wanted, other: partner.finished.recipe };
        const png = await clients.encodePng(image, recipeTexts({ recipe: run.finished.recipe, mix: mixed }));
        const stem = picture.name.replace(/\.[^.]*$/, '') || 'picture';
        const kind = which === 'result' && partner === undefined ? '' : `-${which === 'result' ? 'base' : which}`;
        return { blob: new Blob([png], { type: 'image/png' }), name: `${stem}-${run.width}x${run.height}${kind}.png` };
      }),
  };
}
