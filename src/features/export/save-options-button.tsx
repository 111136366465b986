import { Button } from '../../components/button.tsx';
import { ColourField } from '../../components/colour-field.tsx';
import { Popup } from '../../components/popup.tsx';
import { SelectField } from '../../components/select-field.tsx';
import { SliderField } from '../../components/slider-field.tsx';
import { SwitchField } from '../../components/switch-field.tsx';
import { PAPER, resultDepth, SAVE_FORMATS, type SaveFormat, type SaveOptions } from '../../protocol/picture-file.ts';
import { RANGES } from '../../protocol/request.ts';
import { shownRun } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';

const FORMAT_NAMES: Readonly<Record<SaveFormat, string>> = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' };
const FORMATS = SAVE_FORMATS.map((value) => ({ value, text: FORMAT_NAMES[value] }));

const DEPTHS = [
  { value: 'source', text: 'As the picture’s own' },
  { value: '8', text: '8' },
  { value: '16', text: '16' },
];

function depthNamed(value: string): SaveOptions['depth'] {
  return value === '16' ? 16 : value === '8' ? 8 : 'source';
}

/** Which format results are saved in, and on a press how. */
export function SaveOptionsButton() {
  const { format, quality, depth, metadata, location, background } = useStudio((state) => state.saveOptions);
  const located = useStudio((state) => state.picture.source?.located === true);
  const own = useStudio((state) => state.picture.source?.depth);
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
        <SelectField
          label="Bits per channel"
          value={String(depth)}
          options={DEPTHS}
          onChange={(chosen) => changeSaving({ depth: depthNamed(chosen) })}
        />
      ) : (
        <SliderField label="Quality" value={quality} {...RANGES.quality} onChange={(chosen) => changeSaving({ quality: chosen })} />
      )}
      {resultDepth({ format, depth }, own) === 16 && shallow && (
        <p role="status">This result was computed in 8 bits, and its file will hold no more. Upscale again for 16.</p>
      )}
      {format === 'jpeg' && (
        <ColourField
          label="Background of what is see-through"
          value={background ?? PAPER}
          onChange={(chosen) => changeSaving({ background: chosen })}
        />
      )}
      <SwitchField
        label="Keep metadata"
        selected={metadata === 'keep'}
        onChange={(keep) => changeSaving({ metadata: keep ? 'keep' : 'strip' })}
      />
      <p>{metadata === 'keep' ? "The picture's EXIF and XMP, and the settings that made it." : 'Pixels and colour profile only.'}</p>
      {metadata === 'keep' && (
        <>
          <SwitchField
            label="Keep where it was taken (GPS)"
            selected={location === 'keep'}
            onChange={(keep) => changeSaving({ location: keep ? 'keep' : 'strip' })}
          />
          {located && location === 'strip' && <p>This picture’s file says where it was taken; its results will not.</p>}
        </>
      )}
    </Popup>
  );
}
