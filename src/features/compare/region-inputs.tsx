import { NumberInput } from '../../components/number-input.tsx';
import type { Region } from '../../protocol/request.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './viewer.module.css';

/** The region in pixels of the input, for those who do not draw it; what would reach out of the picture is cut. */
export function RegionInputs() {
  const { height, width } = useStudio((state) => state.picture);
  const region = useStudio((state) => state.settings.region) ?? { top: 0, left: 0, height, width };
  const { change } = useActions();
  const set = (changes: Partial<Region>): void => {
    const wanted = { ...region, ...changes };
    change({
      region: { ...wanted, height: Math.min(wanted.height, height - wanted.top), width: Math.min(wanted.width, width - wanted.left) },
    });
  };
  return (
    <div className={styles['region']}>
      <NumberInput label="Left" value={region.left} min={0} max={width - 1} onChange={(left) => set({ left })} />
      <NumberInput label="Top" value={region.top} min={0} max={height - 1} onChange={(top) => set({ top })} />
      <NumberInput label="Width" value={region.width} min={1} max={width - region.left} onChange={(wide) => set({ width: wide })} />
      <NumberInput label="Height" value={region.height} min={1} max={height - region.top} onChange={(high) => set({ height: high })} />
    </div>
  );
}
