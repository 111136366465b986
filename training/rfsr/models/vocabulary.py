"""The tag vocabulary: the thousand ImageNet classes gathered into a few hundred everyday words, and the tokenizer over them.

Animals and natural things (classes 0-397 and the last few dozen) are gathered by ranges of class indices, which follow WordNet's
hierarchy; man-made things by the head noun of their first name ("acoustic guitar" is a guitar), with synonyms folded.
"""

import re
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

POSITIVE_PROMPT = "clean, high-resolution, 8k"
NEGATIVE_PROMPT = "dotted, noise, blur, lowres, smooth"

# fmt: off
# The last class index of each range, inclusive.
_RANGES: tuple[tuple[int, str], ...] = (
    (6, "fish"), (24, "bird"), (28, "salamander"), (32, "frog"), (37, "turtle"), (48, "lizard"), (50, "crocodile"),
    (51, "dinosaur"), (68, "snake"), (69, "insect"), (71, "scorpion"), (77, "spider"), (79, "insect"), (100, "bird"),
    (102, "animal"), (104, "animal"), (106, "animal"), (107, "jellyfish"), (111, "sea"), (117, "shell"), (125, "crab"),
    (126, "sea"), (146, "bird"), (148, "whale"), (150, "seal"), (268, "dog"), (275, "wolf"), (280, "fox"), (287, "cat"),
    (293, "lion"), (297, "bear"), (299, "mongoose"), (320, "insect"), (326, "butterfly"), (329, "sea"), (332, "rabbit"),
    (338, "rodent"), (340, "horse"), (343, "pig"), (344, "hippopotamus"), (347, "buffalo"), (350, "sheep"), (353, "antelope"),
    (355, "camel"), (364, "animal"), (384, "monkey"), (386, "elephant"), (388, "panda"), (397, "fish"),
)
_NATURE = {
    924: "food", 925: "soup", 926: "soup", 927: "dessert", 928: "dessert", 929: "dessert", 930: "bread", 931: "bread",
    932: "bread", 933: "food", 934: "food", 935: "food", 936: "vegetable", 937: "vegetable", 938: "vegetable", 939: "vegetable",
    940: "vegetable", 941: "vegetable", 942: "vegetable", 943: "vegetable", 944: "vegetable", 945: "vegetable",
    946: "vegetable", 947: "mushroom", 948: "fruit", 949: "fruit", 950: "fruit", 951: "fruit", 952: "fruit", 953: "fruit",
    954: "fruit", 955: "fruit", 956: "fruit", 957: "fruit", 958: "hay", 959: "food", 960: "food", 961: "food", 962: "meat",
    963: "pizza", 964: "food", 965: "food", 966: "wine", 967: "coffee", 968: "cup", 969: "drink", 970: "mountain",
    971: "bubble", 972: "cliff", 973: "reef", 974: "water", 975: "lake", 976: "coast", 977: "coast", 978: "coast",
    979: "valley", 980: "volcano", 981: "person", 982: "person", 983: "person", 984: "field", 985: "flower", 986: "flower",
    987: "corn", 988: "fruit", 989: "fruit", 990: "fruit", 991: "mushroom", 992: "mushroom", 993: "mushroom",
    994: "mushroom", 995: "mushroom", 996: "mushroom", 997: "mushroom", 998: "corn", 999: "paper",
}
_SYNONYMS = {
    "ship": "boat", "liner": "boat", "catamaran": "boat", "trimaran": "boat", "yawl": "boat", "schooner": "boat",
    "gondola": "boat", "canoe": "boat", "speedboat": "boat", "lifeboat": "boat", "fireboat": "boat", "submarine": "boat",
    "cab": "car", "limousine": "car", "convertible": "car", "jeep": "car", "minivan": "car", "wagon": "car", "racer": "car",
    "ambulance": "car", "pickup": "truck", "trailer": "truck", "moped": "motorcycle", "scooter": "motorcycle",
    "airliner": "airplane", "warplane": "airplane", "palace": "building", "church": "building", "mosque": "building",
    "monastery": "building", "castle": "building", "library": "building", "greenhouse": "building", "barn": "building",
    "boathouse": "building", "planetarium": "building", "stupa": "building", "obelisk": "tower", "beacon": "tower",
    "jersey": "shirt", "sweatshirt": "shirt", "cardigan": "clothes", "gown": "dress", "hoopskirt": "dress", "miniskirt": "skirt",
    "overskirt": "skirt", "sarong": "skirt", "bikini": "swimsuit", "maillot": "swimsuit", "trunks": "swimsuit",
    "sombrero": "hat", "bonnet": "hat", "cap": "hat", "helmet": "helmet", "loafer": "shoe", "clog": "shoe", "sandal": "shoe",
    "sunglass": "sunglasses", "paling": "fence", "fence": "fence", "limpkin": "bird", "notebook": "computer",
    "laptop": "computer", "desk": "table", "armchair": "chair", "throne": "chair", "couch": "sofa", "crib": "bed",
    "cradle": "bed", "bassinet": "bed", "four-poster": "bed", "goblet": "glass", "mug": "cup", "pitcher": "jug",
    "teapot": "jug", "saxophone": "sax", "timepiece": "clock", "hourglass": "clock", "sundial": "clock",
}
# fmt: on


def tag_of_class(index: int, names: str) -> str:
    """The everyday word for ImageNet class `index`, whose synset line without its id is `names`."""
    for last, word in _RANGES:
        if index <= last:
            return word
    if index in _NATURE:
        return _NATURE[index]
    noun = re.sub(r"[^a-z]", "", names.split(",")[0].split()[-1].lower())
    return _SYNONYMS.get(noun, noun)


def read_tags(synset_file: Path) -> tuple[list[str], list[int]]:
    """Distinct tags in alphabetical order, and for each of the classes of the synset file the index of its tag."""
    lines = synset_file.read_text().strip().splitlines()
    words = [tag_of_class(index, line.split(" ", 1)[1]) for index, line in enumerate(lines)]
    tags = sorted(set(words))
    return tags, [tags.index(word) for word in words]


# Words people add to prompts for photographs, beside the tags.
_COMMON_WORDS = (
    "a an the of in on at with and no photo photograph picture image sharp detailed detail details fine texture crisp realistic natural "
    "best quality masterpiece good high low bad worst resolution clean noise noisy blur blurry blurred dotted lowres smooth "
    "oversmooth grain grainy compressed jpeg artifacts old new color colour black white red green blue yellow brown grey gray "
    "orange pink purple dark bright light shadow sun sunny day night sky cloud clouds snow rain tree trees forest leaf leaves "
    "grass garden plant plants rock stone sand beach sea ocean river street road city town house window door wall roof brick "
    "wood metal fabric hair fur feather feathers skin face eye eyes hand man woman child children people portrait crowd text "
    "sign letters words pattern stripes landscape close up closeup macro wide"
)


def build_tokenizer(tags: list[str], *, max_length: int = 77) -> Tokenizer:
    """A word-level tokenizer (WordPiece without continuations) over tags, quality words, common words, digits and letters.

    Lower-cases, splits at white space and punctuation, wraps in start and end tokens as CLIP does; padding (id 0) is the caller's.
    """
    words = [*_COMMON_WORDS.split(), *tags]
    words += re.findall(r"\w+", f"{POSITIVE_PROMPT} {NEGATIVE_PROMPT}")
    words += [",", "-", ".", *"0123456789"]
    special = ["<|pad|>", "<|unk|>", "<|startoftext|>", "<|endoftext|>"]
    vocab = {token: index for index, token in enumerate([*special, *sorted(set(words))])}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="<|unk|>", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>", special_tokens=[(token, vocab[token]) for token in special[2:]]
    )
    tokenizer.enable_truncation(max_length)
    return tokenizer


def token_ids(tokenizer: Tokenizer, text: str, *, pad_id: int = 0, max_length: int = 77) -> list[int]:
    """Ids of `text`, truncated and padded with `pad_id` (the mini's is 0, as SD 2's; SD 1.5 pads with its end token) to max_length."""
    ids = tokenizer.encode(text).ids
    return ids + [pad_id] * (max_length - len(ids))
