"""Which words name a class: COCO's 80 with the words that people use for them, and any other class by its own name."""

from __future__ import annotations

import re
from functools import lru_cache

# In the order of COCO's categories; a class's own last word always counts, and so do plurals.
SYNONYMS = {
    "person": "man woman men women boy girl child children kid baby toddler people player rider skier snowboarder "
    "surfer skateboarder batter catcher pitcher umpire athlete lady guy gentleman male female adult teenager officer "
    "policeman soldier worker chef cook waiter waitress pedestrian passenger driver cyclist biker motorcyclist "
    "bride groom couple spectator fan coach referee skater swimmer runner jockey cowboy tourist student teacher "
    "figure individual human infant youth customer vendor farmer goalkeeper golfer businessman businesswoman fisherman",
    "bicycle": "bike cycle",
    "car": "sedan suv taxi cab vehicle hatchback automobile van minivan convertible wagon coupe jeep",
    "motorcycle": "motorbike bike scooter moped",
    "airplane": "plane aeroplane aircraft jet airliner biplane glider",
    "bus": "coach minibus trolleybus",
    "train": "locomotive tram railcar carriage subway",
    "truck": "lorry pickup van trailer vehicle semi",
    "boat": "ship sailboat canoe kayak yacht ferry raft dinghy gondola vessel rowboat speedboat",
    "traffic light": "light signal stoplight",
    "fire hydrant": "hydrant",
    "stop sign": "sign",
    "parking meter": "meter",
    "bench": "seat pew",
    "bird": "duck goose geese pigeon seagull gull parrot owl eagle hawk swan chicken rooster hen sparrow heron crow "
    "ostrich penguin flamingo pelican peacock turkey robin finch stork dove cockatoo",
    "cat": "kitten tabby",
    "dog": "puppy hound terrier retriever poodle labrador spaniel bulldog collie shepherd corgi dachshund pug",
    "horse": "pony foal mare stallion colt mule donkey",
    "sheep": "lamb ram ewe",
    "cow": "bull calf cattle ox steer bovine heifer",
    "elephant": "calf",
    "bear": "cub panda grizzly",
    "zebra": "foal",
    "giraffe": "calf",
    "backpack": "rucksack bag knapsack pack",
    "umbrella": "parasol",
    "handbag": "bag purse tote satchel clutch",
    "tie": "necktie bowtie",
    "suitcase": "luggage bag case trunk",
    "frisbee": "disc disk",
    "skis": "ski",
    "snowboard": "board",
    "sports ball": "ball baseball football basketball volleyball soccer",
    "kite": "parafoil",
    "baseball bat": "bat",
    "baseball glove": "glove mitt",
    "skateboard": "board longboard",
    "surfboard": "board bodyboard",
    "tennis racket": "racket racquet",
    "bottle": "jar flask",
    "wine glass": "glass goblet flute",
    "cup": "mug glass tumbler",
    "fork": "",
    "knife": "knives blade",
    "spoon": "ladle",
    "bowl": "dish basin",
    "banana": "plantain",
    "apple": "",
    "sandwich": "burger hamburger sub panini wrap toast hoagie",
    "orange": "tangerine mandarin clementine citrus",
    "broccoli": "floret florets",
    "carrot": "",
    "hot dog": "hotdog sausage frankfurter dog",
    "pizza": "slice",
    "donut": "doughnut pastry bagel",
    "cake": "cupcake pastry dessert pie",
    "chair": "armchair stool seat recliner rocker",
    "couch": "sofa loveseat settee futon",
    "potted plant": "plant flower fern succulent houseplant shrub tree cactus",
    "bed": "mattress bunk cot crib",
    "dining table": "table desk countertop counter",
    "toilet": "urinal commode",
    "tv": "television monitor screen",
    "laptop": "notebook computer macbook",
    "mouse": "mice",
    "remote": "controller control",
    "keyboard": "",
    "cell phone": "phone smartphone cellphone mobile iphone",
    "microwave": "",
    "oven": "stove range cooker",
    "toaster": "",
    "sink": "basin washbasin washstand",
    "refrigerator": "fridge freezer",
    "book": "magazine novel notebook paperback textbook",
    "clock": "watch",
    "vase": "jar pot urn pitcher jug",
    "scissors": "shears",
    "teddy bear": "teddy bear toy plush",
    "hair drier": "dryer hairdryer blower",
    "toothbrush": "brush",
}


def names(noun: str, text: str) -> bool:
    """Whether `text` has a word for the class `noun`, in singular or plural."""
    return bool(_pattern(noun).search(text))


@lru_cache(maxsize=4096)
def _pattern(noun: str) -> re.Pattern[str]:
    own = noun.split()[-1:] or [noun]
    words = {form for word in [*own, *SYNONYMS.get(noun, "").split()] for form in _forms(word.lower())}
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(longest_first)})\b", re.IGNORECASE)


def _forms(word: str) -> set[str]:
    forms = {word, f"{word}s", f"{word}es"}
    if word.endswith("s"):
        forms.add(word[:-1])
    if word.endswith("y"):
        forms.add(f"{word[:-1]}ies")
    return forms
