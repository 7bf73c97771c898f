"""Graphemes: what a person takes for one character.

The rules are GB3 to GB13 for extended grapheme clusters, of Unicode 16,
annex 29 (https://www.unicode.org/reports/tr29/). The standard library
knows general categories, not the properties that the rules are written
in. So these are told from the categories, and what differs from them is
listed here, after GraphemeBreakProperty.txt and emoji-data.txt. One
thing is wider: every symbol of category So counts as a pictograph,
which matters only where a joiner stands between two of them.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

ZERO_WIDTH_JOINER = "\u200d"


class _Kind(Enum):
    """The values of `Grapheme_Cluster_Break` that rules speak of."""

    CR = auto()
    LF = auto()
    CONTROL = auto()
    EXTEND = auto()
    LINKER = auto()
    JOINER = auto()
    SPACING_MARK = auto()
    PREPEND = auto()
    REGIONAL_INDICATOR = auto()
    HANGUL_L = auto()
    HANGUL_V = auto()
    HANGUL_T = auto()
    HANGUL_LV = auto()
    HANGUL_LVT = auto()
    PICTOGRAPH = auto()
    OTHER = auto()


_EXTENDING = frozenset({_Kind.EXTEND, _Kind.LINKER, _Kind.JOINER})
_ALONE = frozenset({_Kind.CR, _Kind.LF, _Kind.CONTROL})
_HANGUL_FOLLOWERS = {
    _Kind.HANGUL_L: {_Kind.HANGUL_L, _Kind.HANGUL_V, _Kind.HANGUL_LV, _Kind.HANGUL_LVT},
    _Kind.HANGUL_LV: {_Kind.HANGUL_V, _Kind.HANGUL_T},
    _Kind.HANGUL_V: {_Kind.HANGUL_V, _Kind.HANGUL_T},
    _Kind.HANGUL_LVT: {_Kind.HANGUL_T},
    _Kind.HANGUL_T: {_Kind.HANGUL_T},
}

_PREPENDED = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e"
    "\U000110bd\U000110cd\U000111c2\U000111c3\U0001193f\U00011941\U00011a84"
    "\U00011a85\U00011a86\U00011a87\U00011a88\U00011a89\U00011d46"
)
_LINKERS = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d")
"""The viramas that join two consonants to one (GB9c)."""

_INDIC_BLOCK = 0x80
_CONSONANTS = range(0x15, 0x3A)
"""Where the consonants are in each of the Indic blocks with a linker,
all of which are laid out like Devanagari.
"""
_MORE_CONSONANTS = {
    0x0900: (range(0x58, 0x60), range(0x78, 0x80)),
    0x0980: (range(0x5C, 0x60), range(0x70, 0x72)),
    0x0A80: (range(0x79, 0x7A),),
    0x0B00: (range(0x5C, 0x60), range(0x71, 0x72)),
    0x0C00: (range(0x58, 0x5B),),
    0x0D00: (range(0x3A, 0x3B),),
}

_EXTEND_THOUGH_NO_MARK = frozenset("\u200c\uff9e\uff9f")
_SPACING_THOUGH_NO_MARK = frozenset("\u0e33\u0eb3")
_NO_SPACING_MARK = frozenset(
    "\u102b\u102c\u1038\u1062\u1063\u1064\u1067\u1068\u1069\u106a\u106b\u106c\u106d"
    "\u1083\u1087\u1088\u1089\u108a\u108b\u108c\u108f\u109a\u109b\u109c"
    "\u1a61\u1a63\u1a64\uaa7b\uaa7d\U00011720\U00011721"
)
_PICTOGRAPHS_THOUGH_NO_SYMBOL = frozenset(
    "\u203c\u2049\u2139\u2194\u25b7\u25c1\u25fb\u25fc\u25fd\u25fe\u2934\u3030\u303d"
)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)
_RESERVED_FOR_PICTOGRAPHS = (range(0x1F000, 0x1FB00), range(0x1FC00, 0x1FFFE))
_HANGUL_JAMO = (
    (_Kind.HANGUL_L, (range(0x1100, 0x1160), range(0xA960, 0xA97D))),
    (_Kind.HANGUL_V, (range(0x1160, 0x11A8), range(0xD7B0, 0xD7C7))),
    (_Kind.HANGUL_T, (range(0x11A8, 0x1200), range(0xD7CB, 0xD7FC))),
)
_HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)
_SYLLABLES_BETWEEN_LV = 28

_LISTED = (
    {"\r": _Kind.CR, "\n": _Kind.LF, ZERO_WIDTH_JOINER: _Kind.JOINER}
    | dict.fromkeys(_LINKERS, _Kind.LINKER)
    | dict.fromkeys(_EXTEND_THOUGH_NO_MARK, _Kind.EXTEND)
    | dict.fromkeys(_SPACING_THOUGH_NO_MARK, _Kind.SPACING_MARK)
    | dict.fromkeys(_NO_SPACING_MARK, _Kind.OTHER)
    | dict.fromkeys(_PREPENDED, _Kind.PREPEND)
    | dict.fromkeys(_PICTOGRAPHS_THOUGH_NO_SYMBOL, _Kind.PICTOGRAPH)
)
_OF_CATEGORY = {
    "Cc": _Kind.CONTROL,
    "Cf": _Kind.CONTROL,
    "Cs": _Kind.CONTROL,
    "Zl": _Kind.CONTROL,
    "Zp": _Kind.CONTROL,
    "Mn": _Kind.EXTEND,
    "Me": _Kind.EXTEND,
    "Mc": _Kind.SPACING_MARK,
    "So": _Kind.PICTOGRAPH,
}


def graphemes(text: str) -> Iterator[str]:
    """Split a text into graphemes.

    Args:
        text: Anything.

    Yields:
        The graphemes; put together again they are the text.
    """
    start = 0
    cluster = _Cluster()
    for index, character in enumerate(text):
        if not cluster.take(character) and index > 0:
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


def length_of_first(text: str) -> int:
    """Count the code points of a text's first grapheme.

    Args:
        text: Anything.

    Returns:
        0 for an empty text.
    """
    return len(next(graphemes(text), ""))


def start_of_last(text: str) -> int:
    """Find where a text's last grapheme starts.

    Args:
        text: Anything.

    Returns:
        Its index; 0 for an empty text.
    """
    # Between two ASCII characters there is always a boundary, but for
    # CR and LF; so only what follows the last such pair is split.
    begin = len(text) - 1
    while begin > 0 and not (text[begin].isascii() and text[begin - 1].isascii()):
        begin -= 1
    if text[begin - 1 : begin + 1] == "\r\n":
        begin -= 1
    begin = max(0, begin)
    *_, last = graphemes(text[begin:]) if text else [""]
    return len(text) - len(last)


@dataclass(slots=True)
class _Cluster:
    """The grapheme that is being read, as far as rules look back.

    Attributes:
        last: What the newest character is; None before the first.
        flag_halves: Regional indicators so far.
        picture: A pictograph, and only extending characters since.
        picture_joined: The newest character is a joiner after it.
        consonant: An Indic consonant, and only extending characters
            since.
        linked: A virama was among these.
    """

    last: _Kind | None = None
    flag_halves: int = 0
    picture: bool = False
    picture_joined: bool = False
    consonant: bool = False
    linked: bool = False

    def take(self, character: str) -> bool:
        """Add a character, or begin a new grapheme with it.

        Args:
            character: The next one.

        Returns:
            Whether it belongs to the grapheme before it.
        """
        kind = _kind(character)
        consonant = _is_indic_consonant(character)
        joins = self._joins(kind, consonant)
        if not joins:
            self.flag_halves = 0
            self.picture = False
        self._look_back(kind, consonant)
        return joins

    def _joins(self, kind: _Kind, consonant: bool) -> bool:
        """Apply the rules GB3 to GB13."""
        last = self.last
        if last is None or last in _ALONE or kind in _ALONE:
            return last is _Kind.CR and kind is _Kind.LF
        if kind in _EXTENDING or kind is _Kind.SPACING_MARK or last is _Kind.PREPEND:
            return True
        if kind in _HANGUL_FOLLOWERS.get(last, ()):
            return True
        if kind is _Kind.PICTOGRAPH:
            return self.picture_joined
        if kind is _Kind.REGIONAL_INDICATOR:
            return last is kind and self.flag_halves % 2 == 1
        return self.linked and consonant

    def _look_back(self, kind: _Kind, consonant: bool) -> None:
        """Note what later rules ask about."""
        extends = kind in _EXTENDING
        self.picture_joined = self.picture and kind is _Kind.JOINER
        self.picture = kind is _Kind.PICTOGRAPH or (self.picture and extends)
        self.flag_halves += kind is _Kind.REGIONAL_INDICATOR
        self.linked = self.consonant and extends and (self.linked or kind is _Kind.LINKER)
        self.consonant = consonant or (self.consonant and extends)
        self.last = kind


@lru_cache(maxsize=4_096)
def _kind(character: str) -> _Kind:
    """Tell a character's `Grapheme_Cluster_Break`."""
    listed = _LISTED.get(character)
    if listed is not None:
        return listed
    code = ord(character)
    if code in _SKIN_TONES or code in _TAGS:
        return _Kind.EXTEND
    if code in _REGIONAL_INDICATORS:
        return _Kind.REGIONAL_INDICATOR
    if code in _HANGUL_SYLLABLES:
        first = (code - _HANGUL_SYLLABLES.start) % _SYLLABLES_BETWEEN_LV == 0
        return _Kind.HANGUL_LV if first else _Kind.HANGUL_LVT
    for kind, ranges in _HANGUL_JAMO:
        if any(code in each for each in ranges):
            return kind
    category = unicodedata.category(character)
    if category == "Cn" and any(code in each for each in _RESERVED_FOR_PICTOGRAPHS):
        return _Kind.PICTOGRAPH
    return _OF_CATEGORY.get(category, _Kind.OTHER)


@lru_cache(maxsize=4_096)
def _is_indic_consonant(character: str) -> bool:
    """Return whether a virama can join a letter to another one."""
    block, place = divmod(ord(character), _INDIC_BLOCK)
    return (
        unicodedata.category(character) == "Lo"
        and block * _INDIC_BLOCK in _MORE_CONSONANTS
        and (
            place in _CONSONANTS
            or any(place in each for each in _MORE_CONSONANTS[block * _INDIC_BLOCK])
        )
    )
