"""``tf.contrib.learn.preprocessing``: texts as rows of whole numbers, one for each word."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from graphc.frame.gfile import GFile

__all__ = ["CategoricalVocabulary", "VocabularyProcessor", "tokenizer"]

# Words in capitals, capitalised parts of joined words, and any run of letters, digits, quotes and hyphens.
_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|['\w\-]+", re.UNICODE)
Tokens = Iterable[Sequence[str]]
Array = np.ndarray[Any, Any]


def tokenizer(iterator: Iterable[str]) -> Iterator[list[str]]:
    """The words of each text."""
    for text in iterator:
        yield _WORDS.findall(text)


class CategoricalVocabulary:
    """A number for each category: 0 for those that are unknown, the others in the order in which they came."""

    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True):
        self._unknown, self._reversible = unknown_token, support_reverse
        self._numbers: dict[Any, int] = {unknown_token: 0}
        self._counts: Counter[Any] = Counter()
        self._frozen = False

    def __len__(self) -> int:
        return len(self._numbers)

    def freeze(self, freeze: bool = True) -> None:
        """From now on, or no longer, what is not there is unknown."""
        self._frozen = freeze

    def get(self, category: Any) -> int:
        """The number of a category, which is added unless the vocabulary is frozen."""
        if self._frozen:
            return self._numbers.get(category, 0)
        return self._numbers.setdefault(category, len(self._numbers))

    def add(self, category: Any, count: int = 1) -> None:
        """Counts a category that is or becomes known."""
        if self.get(category) > 0:
            self._counts[category] += count

    def trim(self, min_frequency: int, max_frequency: int = -1) -> None:
        """Keeps what came more often than the one and, where it is above 0, less often than the other.

        The most frequent come first then, equals in the order of the alphabet.
        """
        kept = {
            category: count
            for category, count in self._counts.items()
            if count > min_frequency and (max_frequency <= 0 or count < max_frequency)
        }
        order = sorted(kept, key=lambda category: (-kept[category], isinstance(category, str), category))
        self._counts = Counter(kept)
        self._numbers = {category: number for number, category in enumerate([self._unknown, *order])}

    def reverse(self, class_id: int) -> Any:
        """The category of a number; ``ValueError`` where the vocabulary was made without ``support_reverse``."""
        if not self._reversible:
            raise ValueError("This vocabulary wasn't initialized with support_reverse to support reverse() function.")
        return list(self._numbers)[class_id]

    def _described(self) -> dict[str, Any]:
        pairs = [[category, self._counts[category]] for category in self._numbers]
        return {"words": pairs, "reversible": self._reversible, "frozen": self._frozen}

    @classmethod
    def _from_description(cls, described: dict[str, Any]) -> CategoricalVocabulary:
        words = described["words"]
        made = cls(words[0][0], described["reversible"])
        made._numbers = {category: number for number, (category, _) in enumerate(words)}
        made._counts = Counter({category: count for category, count in words if count})
        made._frozen = described["frozen"]
        return made


class VocabularyProcessor:
    """Texts as rows of ``max_document_length`` numbers of words; shorter texts end in zeros, longer ones are cut."""

    def __init__(
        self, max_document_length: int, min_frequency: int = 0, vocabulary: CategoricalVocabulary | None = None,
        tokenizer_fn: Callable[[Iterable[str]], Tokens] | None = None,
    ):  # fmt: skip
        self.max_document_length = max_document_length
        self.min_frequency = min_frequency
        self.vocabulary_ = vocabulary or CategoricalVocabulary()
        self._tokenizer: Callable[[Iterable[str]], Tokens] = tokenizer_fn or tokenizer

    def fit(self, raw_documents: Iterable[str], unused_y: Any = None) -> VocabularyProcessor:
        """Takes the words of all texts into the vocabulary, which is frozen then."""
        for words in self._tokenizer(raw_documents):
            for word in words:
                self.vocabulary_.add(word)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(self, raw_documents: Any, unused_y: Any = None) -> Iterator[Array]:
        """``fit`` and then ``transform``, for texts that can be gone through twice."""
        return self.fit(raw_documents).transform(raw_documents)

    def transform(self, raw_documents: Iterable[str]) -> Iterator[Array]:
        """A row of numbers for each text, int64[max_document_length]."""
        for words in self._tokenizer(raw_documents):
            row = np.zeros(self.max_document_length, np.int64)
            for place, word in enumerate(words[: self.max_document_length]):
                row[place] = self.vocabulary_.get(word)
            yield row

    def reverse(self, documents: Iterable[Iterable[int]]) -> Iterator[str]:
        """The words of rows of numbers, each row as one text."""
        for row in documents:
            yield " ".join(self.vocabulary_.reverse(number) for number in row)

    def save(self, filename: Any) -> None:
        """Writes a file, as JSON; ``NotImplementedError`` with a tokenizer of one's own, which no file can hold."""
        if self._tokenizer is not tokenizer:
            raise NotImplementedError("a tokenizer_fn cannot be saved: make the processor anew and fit it again")
        kept = {"max_document_length": self.max_document_length, "min_frequency": self.min_frequency}
        with GFile(filename, "w") as file:
            file.write(json.dumps({**kept, "vocabulary": self.vocabulary_._described()}))

    @classmethod
    def restore(cls, filename: Any) -> VocabularyProcessor:
        """The processor that ``save`` wrote; ``ValueError`` for another file."""
        with GFile(filename, "r") as file:
            text = file.read()
        try:
            found = json.loads(text)
            vocabulary = CategoricalVocabulary._from_description(found["vocabulary"])
            return cls(found["max_document_length"], found["min_frequency"], vocabulary)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{filename} is no file that VocabularyProcessor.save wrote: {error}") from None
