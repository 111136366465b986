import { Tokenizer } from '@huggingface/tokenizers';
import type { Manifest } from '../../src/protocol/manifest.ts';
import type { IdTensor } from '../sessions/runtime.ts';

/** Text to token ids, as the bundle's text encoder wants them. */
export interface PromptTokenizer {
  /** Ids [1, maxLength] padded with the bundle's pad id, the words it does not know, and whether the text was cut. */
  encode(text: string): { readonly ids: IdTensor; readonly unknownWords: readonly string[]; readonly truncated: boolean };
}

/** The tokenizer of a bundle from its tokenizer.json. */
export function createTokenizer(json: string, { padId, maxLength }: Manifest['tokenizer']): PromptTokenizer {
  const definition = JSON.parse(json) as { readonly model: { readonly unk_token?: string; readonly vocab: Record<string, number> } };
  const tokenizer = new Tokenizer(definition, {});
  const unknownId = definition.model.unk_token === undefined ? null : (definition.model.vocab[definition.model.unk_token] ?? null);
  return {
    encode(text) {
      const { ids } = tokenizer.encode(text);
      const end = ids.at(-1) ?? padId;
      // as CLIP's tokenizer truncates: the end token stays
      const kept = ids.length > maxLength ? [...ids.slice(0, maxLength - 1), end] : ids;
      const data = new BigInt64Array(maxLength).fill(BigInt(padId));
      kept.forEach((id, index) => {
        data[index] = BigInt(id);
      });
      const words = text.split(/[\s,]+/).filter((word) => word !== '');
      const unknownWords = words.filter((word) => tokenizer.encode(word, { add_special_tokens: false }).ids.some((id) => id === unknownId));
      return { ids: { dims: [1, maxLength], data }, unknownWords: [...new Set(unknownWords)], truncated: ids.length > maxLength };
    },
  };
}
