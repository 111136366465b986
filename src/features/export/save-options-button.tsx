import { Button } from '../../components/button.tsx';
import { Popup } from '../../components/popup.tsx';
import { SelectField } from '../../components/select-field.tsx';
import { SliderField } from '../../components/slider-field.tsx';
import { SwitchField } from '../../components/switch-field.tsx';
import { SAVE_FORMATS, type SaveFormat } from '../../protocol/picture-file.ts';
import { RANGES } from '../../protocol/request.ts';
import { shownRun } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';

const FORMAT_NAMES: Readonly<Record<SaveFormat, string>> = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' };
const FORMATS = SAVE_FORMATS.map((value) => ({ value, text: FORMAT_NAMES[value] }));

/** Which format results are saved in, and on a press how. */
export function SaveOptionsButton() {
  const { format, quality, depth, metadata } = useStudio((state) => state.saveOptions);
  const shallow = useStudio((state) => shownRun(state)?.finished?.recipe.depth === 8);
  const { changeSaving } = useActions();
  return (
    <Popup
      label="File format"
      trigger={
        <Button opensMenu label={`File format: ${FORMAT_NAMES[format]}`}>
          {FORMAT_NAMES[format]} ▾
        </Button>
      }
    >
      <SelectField label="Format" value={format} options={FORMATS} onChange={(chosen) => changeSaving({ format: chosen })} />
      {format === 'png' ? (
        <SwitchField label="16 bits per channel" selected={depth === 16} onChange={(wide) => changeSaving({ depth: wide ? 16 : 8 })} />
      ) : (
        <SliderField label="Quality" value={quality} {...RANGES.quality} onChange={(chosen) => changeSaving({ quality: chosen })} />
      )}
      {format === 'png' && depth === 16 && shallow && (
        <p role="status">This result was computed in 8 bits, and its file will hold no more. Upscale again for 16.</p>
      )}
      <SwitchField
        label="Keep metadata"
        selected={metadata === 'keep'}
        onChange={(keep) => changeSaving({ metadata: keep ? 'keep' : 'strip' })}
      />
      <p>{metadata === 'keep' ? "The picture's EXIF and XMP, and the settings that made it." : 'Pixels and colour profile only.'}</p>
    </Popup>
  );
}
