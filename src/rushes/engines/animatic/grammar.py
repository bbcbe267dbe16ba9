"""As much grammar as it takes to find what a prompt is about: words, and runs of words that name a thing.

A thing's name is a run of words up to a preposition, a verb or a comma, and its last word is the noun. Word
lists and endings tell verbs and adjectives; nothing here knows what a word means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of the prompt, or a mark between words, with its place in the plain text."""

    text: str
    start: int
    end: int

    @property
    def is_mark(self) -> bool:
        return not self.text[0].isalnum()


_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]")
_MARKUP = re.compile(r"</?[a-z][^<>]*>|https?://[^\s)\]>]+", re.IGNORECASE)
_NEW_SENTENCE = re.compile(r"[ \t]*\n(?=\s*\n|\s*[-*•#\d]|\s*[^\W_]+(?: [^\W_]+){0,2}:)")
"""The end of a line after which something new begins: an empty line, an entry of a list, a heading."""


def plain(prompt: str) -> str:
    """Return a text in lower case, one blank between words, without markup, hyphens and the 's of possession.

    The end of a paragraph, of a list's entry or of a line before a heading ends the sentence.
    """
    text = _NEW_SENTENCE.sub(" . ", _MARKUP.sub(" ", prompt))
    folded = text.casefold().replace("’", "'")
    joined = re.sub(r"[-_/–]+", " ", folded).replace("—", " , ")
    return " ".join(re.sub(r"(?<=\w)'s\b|(?<=s)'(?=\s)", "", joined).split())


def words_of(text: str) -> list[Word]:
    """Return the words and marks of a plain text, in order."""
    return [Word(text=hit.group(), start=hit.start(), end=hit.end()) for hit in _WORDS.finditer(text)]


NEGATIONS = frozenset(
    {"no", "without", "not", "never", "isn't", "don't", "doesn't", "neither", "nor", "avoid", "avoiding"}
)
_WHOLE_SENTENCE = frozenset({"avoid", "avoiding", "negative"})
_NEGATING_PAIRS = frozenset({("free", "of"), ("instead", "of"), ("rather", "than"), ("negative", "prompt")})


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


DETERMINERS = _set(
    "a an the this that these those some any each every another his her its their my your our one no all both"
)
ARTICLES = _set("a an the his her its their my your our another")
PREPOSITIONS = _set(
    "of in on at to from with without by for over under above below between behind beside besides near "
    "through across along around into onto inside outside toward towards against up down off past beneath "
    "beyond underneath during before after until till as like via per within upon amid amidst among "
    "amongst about throughout atop alongside despite versus out"
)
_OTHERS = _set(
    "and or but nor so yet then than if while when where whose who whom which that what because although "
    "though i you he she it we they me him them us himself herself itself themselves each other there "
    "here is are was were be been being am do does did has have had having will would can could should "
    "may might must shall not just only very too also still even again ever never once soon now back away "
    "together apart how why let lets seen see made make makes making seem seems seeming using use used "
    "uses giving gives like it's don't doesn't isn't aren't can't toward such same own more most much "
    "less few enough quite rather almost onto s t e g etc ie via no both either neither perfectly upward "
    "upwards downward downwards forward forwards backward backwards sideways ahead left right straight "
    "somewhere everywhere anywhere thing things something everything nothing it'll we'll he's she's "
    "they're you're since as"
)
STOP = DETERMINERS | PREPOSITIONS | _OTHERS
"""Words that hold a sentence together."""

MEDIUM = _set(
    "shot shots view views video videos scene scenes footage clip camera cameras image images picture "
    "photo photograph frame frames framing angle angles render rendering animation film movie prompt "
    "storyboard sequence lens subject composition foreground background middle center centre side sides "
    "top bottom front edge distance end start beginning part moment moments second seconds viewer "
    "viewpoint perspective action style ext int movement move moves motion portrait trailer look"
)
"""Words about the picture as such, not about what is in it."""

STYLES = _set(
    "lighting light lights light's atmosphere mood aesthetic aesthetics quality resolution detail details "
    "tone tones effect effects vibe contrast focus bokeh grading palette color colors colour colours "
    "texture textures photography cinematography realism grain music sound sounds audio ambience silence "
    "dialogue voice vfx cgi art design pattern patterns feel feeling energy scale realistic cinematic "
    "photorealistic anime cartoon 4k 8k hd uhd hdr 16mm 35mm 50mm 85mm noir sci fi documentary vintage "
    "word words text letter lettering logo title masterpiece masterpieces solo artstation wallpaper quality "
    "retro 3d 2d watercolor watercolour illustration drawing painting sketch render unreal engine pixar "
    "ghibli disney"
)
"""Words about how it should look: no marker bears one."""

PICTURES = _set(
    "shot shots view views video videos scene scenes footage clip camera image images picture photo "
    "photograph film movie frame framing animation sequence rendering portrait trailer angle lens style "
    "cinematography drone photography"
)
"""After a word that would name a thing: it tells what kind of picture it is."""

BODY = _set(
    "eye eyes face hair hand hands head fingers finger arm arms legs feet lips mouth skin back shoulder"
)

LESSER = _set(
    "river stream pond road path trail highway yard garden park steam smoke leaf leaves petal petals dust "
    "particle particles shadow shadows ray rays beam beams glow reflection reflections spark sparks ember "
    "embers droplet droplets drop drops wind breeze air time day night morning evening afternoon weather "
    "season spring summer autumn fall winter water sky cloud clouds sun sunlight sunset sunrise moon "
    "moonlight moonbeam star stars storm rain snow fog mist haze thunder lightning daylight darkness "
    "silhouette hour eye line lines rows row color face eyes hair number lot plenty kind sort variety "
    "ground earth surface world place environment landscape scenery location setting space way edge "
    "overhead gust"
)
"""What surrounds a subject rather than is one."""

GROUPS = _set(
    "pod group pair herd flock school bunch crowd stack pile swarm team pack line row trio dozen kind "
    "piece fleet couple series set array collection colony litter family hundreds thousands dozens "
    "handful number lot"
)
"""Before "of": the noun comes after it."""

NUMBERS = _set(
    "two three four five six seven eight nine ten eleven twelve several many hundreds thousands dozens "
    "dozen pair group crowd couple multiple few various numerous herd both"
)

_VERBS = _set(
    "walk run stand sit fly play launch sail float drift ride jump swim look watch gaze stare hold carry "
    "wear dance sing read write eat drink cook paint drive ski climb crawl leap gallop trot race chase "
    "follow lead turn spin rotate roll rise fall drop land hover glide soar dive plunge crash break burst "
    "explode erupt burn glow shine flicker flash sparkle shimmer reflect stretch reach extend lean bend "
    "bow kneel lie rest sleep wake dream smile laugh cry shout whisper speak talk say call wave greet hug "
    "kiss fight strike hit kick throw catch pull push lift lower open close enter leave exit arrive "
    "approach pass cross travel move stop pause wait start begin continue end finish appear disappear "
    "vanish emerge reveal show transform morph grow shrink bloom wilt flow pour drip splash stir mix cut "
    "chop slice knead bake serve pick place put set lay hang swing sway bounce shake tremble ripple "
    "spread fill cover surround overlook face point aim shoot fire build make create fix repair clean "
    "wash brush sweep dig plant water harvest tend feed pet groom hunt hide search find discover explore "
    "wander stroll march hike jog sprint rush hurry skate surf row paddle fish type work study teach "
    "learn listen hear smell taste touch feel think remember lap howl bark purr meow roar perch nest flap "
    "graze flutter blow whip swirl twirl billow blend merge collide orbit circle zoom pan tilt tip weave "
    "sip inspect examine prepare operate lounge nap nestle curl twist tumble slide slip stumble trip bask "
    "bathe cast conjure summon descend ascend loom tower twinkle scatter illuminate dominate bustle "
    "lounge pounce prowl stalk sniff lick chew bite nibble peck drift come go get give take keep bring "
    "use wield steer pedal tap snap emit speed swim spill frame film capture depict feature unfold linger "
    "settle melt freeze crack crumble collapse dissolve fade celebrate pelt span stoke rustle hurry compete "
    "gather carve pose share snuggle embark engage dribble flee stumble lunge trudge sway roam "
    "meditate dock depart tug rescue brake enjoy meander mingle applaud cheer "
    "fell ran swam flew rode sat stood drove ate drank sang wore took came went gave caught threw broke grew "
    "blew began shook swung crept leapt slept"
)
_ADJECTIVES = _set(
    "big small little tiny huge large giant massive tall short long old young new ancient modern "
    "old-fashioned lone single solitary lonely red green blue yellow orange purple pink white black brown "
    "grey gray golden silver dark bright pale warm cold hot cool wet dry soft hard smooth rough calm "
    "quiet loud fast slow quick heavy light deep shallow high low wide narrow thick thin open closed "
    "empty full fresh raw clean dirty clear beautiful pretty cute ugly happy sad angry elegant majestic "
    "serene peaceful dramatic epic grand vast rustic wooden metal metallic plastic glass stone concrete "
    "leather silk futuristic medieval vintage retro classic traditional tropical wild remote distant "
    "close near far fluffy furry sleek shiny glossy gentle strong fierce brave mysterious magical "
    "mystical enchanted abstract minimalist vibrant colorful colourful pastel neon realistic cinematic "
    "same main central whole first second third last next only royal common middle aged adult baby lush "
    "grassy snowy rainy foggy misty sunny cloudy stormy windy icy dusty muddy rocky sandy hyper ultra "
    "super stylish japanese chinese american european french italian victorian gothic nordic african "
    "asian round square oval rife colorful elegant fantastic fantasy homemade handmade rugged steep "
    "stylish delicate intricate detailed crisp sharp blurred gorgeous stunning incredible amazing cozy "
    "cosy busy empty live abandoned ruined frozen burning sunken elderly teenage chubby slender muscular "
    "bearded"
)
_THINGS_IN_ING = _set(
    "building ring king string wing painting ceiling clothing morning evening wedding lightning spring "
    "thing being sibling dumpling earring railing swing sling ping"
)
_DONE = _set(
    "built made set seen lit worn held torn left found kept laid hung driven covered dressed surrounded "
    "overrun overgrown shot hidden strung"
)
_AFTER_NOUNS = _set("far afar alone nearby close high low deep")
_PLURALS = _set("people men women children police wolves geese mice")
_PASSING = _set("across past along through")
_MANNERS = _set("style styles manner spirit vein sense cloud clouds")
"""Before "of": what comes after it is no thing that is seen."""
_CLAUSES = _set("while as where then when that which but")
_MANNER = re.compile(r"\w{3,}ly")
_NO_MANNER = _set(
    "family butterfly lily jelly belly bully fly firefly dragonfly ally assembly italy trolley lonely "
    "friendly lovely ghostly early deadly elderly likely ugly curly woolly wooly grizzly chilly hilly "
    "lively silly wobbly bubbly cuddly wrinkly prickly scaly oily smelly daily unruly burly costly "
    "heavenly deadly rally holly gully anomaly supply homely pearly sparkly crumbly july"
)


def is_verb(text: str) -> bool:
    """Whether a word can be a verb, in any of its forms."""
    stems = {text, text.removesuffix("s"), text.removesuffix("es"), text.removesuffix("ed")}
    stems |= {text.removesuffix("d"), text.removesuffix("ing"), text.removesuffix("ing") + "e"}
    if text.endswith("ies"):
        stems.add(text[:-3] + "y")
    return any(stem in _VERBS for stem in stems)


def is_manner(text: str) -> bool:
    """Whether a word is an adverb such as "slowly"."""
    return text not in _NO_MANNER and bool(_MANNER.fullmatch(text))


def is_content(text: str) -> bool:
    """Whether a word names, tells or describes something."""
    return text[0].isalnum() and text not in STOP and text not in MEDIUM and not is_manner(text)


def is_adjective(text: str) -> bool:
    return text in _ADJECTIVES or text in NUMBERS


def may_be_adjective(text: str) -> bool:
    """Whether a word is an adjective by the list or by its ending, as many nouns are, too."""
    endings = r"\w{2,}(?:ful|ous|ish|less|ic|ive|able|ible|ed|ing|y|al|esque|ant|ent)"
    return is_adjective(text) or bool(re.fullmatch(endings, text))


def is_heading(words: Sequence[Word], at: int) -> bool:
    """Whether a word ends a heading, as in "Lighting: soft", or is a key of JSON."""
    return [word.text for word in words[at + 1 : at + 3] if word.text != '"'][:1] == [":"]


_OPENING, _CLOSING = '"“„«', '"”“»'


def quoted_in(words: Sequence[Word]) -> frozenset[int]:
    """Return the places of the words in quotation marks: they are said or written, and not seen.

    They count as usual where all is quoted, and in JSON, where a colon stands at one side.
    """
    found: set[int] = set()
    at = 0
    while at < len(words):
        if words[at].text in _OPENING:
            kind = _OPENING.index(words[at].text)
            ends = (one for one in range(at + 1, len(words)) if words[one].text in {_CLOSING[kind], "”"})
            end = next(ends, None)
            if end is None:
                break
            if not _is_of_json(words, at, end):
                found.update(range(at + 1, end))
            at = end
        at += 1
    outside = any(is_content(word.text) for at, word in enumerate(words) if at not in found)
    return frozenset(found) if outside else frozenset()


def _is_of_json(words: Sequence[Word], start: int, end: int) -> bool:
    """Whether a quotation is a key or a value, or in a list of values."""
    before = [word.text for word in words[max(0, start - 2) : start]]
    after = words[end + 1].text if end + 1 < len(words) else ""
    return after == ":" or before == ['"', ":"] or words[0].text in "[{"


def denied_in(words: Sequence[Word]) -> frozenset[int]:
    """Return the places of the words that are said not to be there: after "no" to the end of what it names,
    after "avoid" to the end of the sentence."""
    denied: set[int] = set()
    for at, word in enumerate(words):
        if word.text in NEGATIONS or (word.text, words[min(at + 1, len(words) - 1)].text) in _NEGATING_PAIRS:
            denied.update(_denied_from(words, at + 1, whole=word.text in _WHOLE_SENTENCE))
    return frozenset(denied)


def _denied_from(words: Sequence[Word], start: int, *, whole: bool) -> Iterator[int]:
    named = False
    for at in range(start, len(words)):
        text = words[at].text
        if text in ".;!?" or (words[at].is_mark and not whole and named):
            return
        if text == '"' and named and ":" not in {word.text for word in words[at - 1 : at + 2]}:
            return  # the end of a value in JSON
        if text in {"but", "only", "just", "except"} or (named and not whole and text in PREPOSITIONS):
            return
        joins = text in {"and", "or", "nor"}
        if joins and not whole and at + 1 < len(words) and words[at + 1].text in {"a", "an", "the"}:
            return
        if is_content(text) or text in MEDIUM:
            named = True
            yield at


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A run of words that names something: their places in the list of words, the noun last.

    It is `direct` unless a preposition leads to it, which says where or with what, and not who.
    """

    first: int
    last: int
    direct: bool


def things(words: Sequence[Word], camera: frozenset[int], phrases: Mapping[int, int]) -> Iterator[Thing]:
    """Yield what a prompt names, in order.

    The places in `camera` hold words about how it is filmed; `phrases` maps the first to the last place of
    words that belong together.
    """
    at, direct, fresh = 0, True, True
    while at < len(words):
        text = words[at].text
        if words[at].is_mark or at in camera or text in _CLAUSES:
            direct = fresh = True
        elif text in PREPOSITIONS:
            before = words[at - 1].text if at else ","
            opens = at == 0 or words[at - 1].is_mark
            direct = (fresh and not opens) or at - 1 in camera or (text == "of" and before in GROUPS | BODY)
            direct = direct and text not in _PASSING and not (text == "of" and before in _MANNERS)
        elif is_content(text) and not (at and is_verb(text) and _follows_noun(words, at)):
            last = _end(words, at, camera, phrases)
            after = words[last + 1].text if last + 1 < len(words) else ""
            if after not in PICTURES and words[last].text not in PICTURES:
                yield Thing(first=at, last=last, direct=direct)
                direct = fresh = False
            at = last
        at += 1


def _follows_noun(words: Sequence[Word], at: int) -> bool:
    before = words[at - 1].text
    return not words[at - 1].is_mark and before not in DETERMINERS and before not in PREPOSITIONS


def _end(words: Sequence[Word], first: int, camera: frozenset[int], phrases: Mapping[int, int]) -> int:
    """Return the place of the noun that the run from `first` ends in."""
    last = phrases.get(first, first)
    single = first > 0 and words[first - 1].text in {"a", "an", "one", "this", "each", "another"}
    while last + 1 < len(words):
        at = last + 1
        if at in camera or not is_content(words[at].text):
            break
        if at not in phrases and not _describes(words[last].text) and _tells(words, at, single):
            break
        if words[at].text in _AFTER_NOUNS and not is_adjective(words[last].text):
            break
        last = phrases.get(at, at)
    return last


def is_plural(text: str) -> bool:
    return text in _PLURALS or (text.endswith("s") and not text.endswith(("ss", "us", "is")))


def _describes(text: str) -> bool:
    return is_adjective(text) and text not in GROUPS


def _tells(words: Sequence[Word], at: int, single: bool) -> bool:
    """Whether a word after a noun says what it does or what was done to it; after one thing, all in -s do."""
    text, after = words[at].text, words[at + 1].text if at + 1 < len(words) else "."
    if after in ARTICLES or (is_manner(after) and is_verb(text)):
        return True  # a noun has a mark, a preposition or a verb after it: "the bridge spans the bay"
    if text in _DONE:
        return True
    if text.endswith("ing") and text not in _THINGS_IN_ING:
        return True
    if text.endswith(("ed", "en")) and not is_content(after):
        return text.endswith("ed") or after == "by"
    if text.endswith("s") and not text.endswith(("ss", "us", "is")):
        return single or is_verb(text)
    return is_plural(words[at - 1].text) and is_verb(text)
