import { useState } from 'react';
import { ColourField } from '../../components/colour-field.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { PAPER } from '../../protocol/picture-file.ts';

interface BackgroundDialogProps {
  readonly onChosen: (colour: string) => void;
  readonly onClose: () => void;
}

/** Asks what shows through in a JPEG of a picture that is transparent in places. */
export function BackgroundDialog({ onChosen, onClose }: BackgroundDialogProps) {
  const [colour, setColour] = useState(PAPER);
  return (
    <Confirm
      text="JPEG has no transparency. Which colour shows where this picture is see-through? PNG and WebP keep it as it is."
      action="Save"
      onConfirm={() => onChosen(colour)}
      onClose={onClose}
    >
      <ColourField label="Background" value={colour} onChange={setColour} />
    </Confirm>
  );
}
