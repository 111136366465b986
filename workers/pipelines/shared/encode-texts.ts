import type { Tensor } from '../../../src/core/tensor.ts';
import type { RestoreRequest } from '../../../src/protocol/request.ts';
import type { PipelineContext } from '../context.ts';
import { type Lanes, laneAt, shared } from './lanes.ts';
import { output1 } from './outputs.ts';

/** A family's prompt from tags, a person's own words and quality words. */
export type PromptFormat = (tags: readonly string[], user: string, positive: string) => string;

/** A lane's words and their contexts [1, N, D]; no negative one without guidance. */
export interface Texts {
  readonly tags: readonly string[];
  readonly positiveText: string;
  readonly positive: Tensor;
  readonly negative: Tensor | null;
}

/** The prompt of each lane, encoded. `tags`: one list a lane. The listener learns of them and of words the model does not know. */
export async function encodeTexts(
  lanes: Lanes,
  request: RestoreRequest,
  format: PromptFormat,
  tags: readonly (readonly string[])[],
): Promise<readonly Texts[]> {
  const { user, positive, negative } = request.prompt;
  return shared(lanes, ['tagger', 'textEncoder'], async (lane, i) => {
    const used = laneAt(tags, i);
    const positiveText = format(used, user, positive);
    return {
      tags: used,
      positiveText,
      positive: await encodeText(lane, positiveText, used),
      negative: request.guidance > 1 ? await encodeText(lane, negative, null) : null,
    };
  });
}

/** Context [1, N, D] of a text. With `tags`, the listener learns of them and of unknown words. */
async function encodeText(context: PipelineContext, text: string, tags: readonly string[] | null): Promise<Tensor> {
  const { ids, unknownWords, truncated } = context.tokenizer.encode(text);
  if (tags !== null) await context.emit({ type: 'tags', tags, unknownWords });
  if (truncated) {
    await context.emit({
      type: 'notice',
      reason: 'prompt-truncated',
      message: 'The prompt is longer than the model reads; its end is not used.',
    });
  }
  return output1(await context.run('textEncoder', { tokenIds: ids }), 'context');
}
