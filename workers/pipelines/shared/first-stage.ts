import { type PlaneSource, PlaneStore } from '../../../src/core/sources.ts';
import { LIVE_PIXELS } from '../../../src/plan/held.ts';
import type { PipelineContext } from '../context.ts';
import { type Lanes, shared } from './lanes.ts';
import { output1 } from './outputs.ts';
import { reducedPicture } from './previews.ts';
import { runInBands } from './tiles.ts';
import type { Scope } from './working-size.ts';

/** The stage restore: what each lane's first stage makes of the enlarged input, rgb01 at working size, told once it is there. Lanes need one. */
export async function restoreFirst(lanes: Lanes, degraded: PlaneSource, scope: Scope): Promise<readonly PlaneSource[]> {
  const [lead] = lanes;
  await lead.stage('restore');
  return shared(lanes, ['restorer'], async (lane) => {
    const { factor } = lane.manifest.latent;
    const store = new PlaneStore(degraded);
    await runInBands(lane, 'restorer', { degraded }, scope.parts, async ({ top, height, outputs }) => {
      store.write(output1(outputs, 'restored'), { top: top * factor, left: 0, height: height * factor, width: store.width });
    });
    await lane.emit({ type: 'first-stage', image: await reducedPicture(store, scope.visible, LIVE_PIXELS) });
    return store;
  });
}

/** Whether a bundle has a first stage. */
export function hasFirstStage({ manifest }: Pick<PipelineContext, 'manifest'>): boolean {
  return manifest.graphs.restorer !== undefined;
}
