"""``tf.contrib.learn.preprocessing``: words as numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphc as tf

TEXTS = ["the cat sat on the mat", "it's the TensorFlow-cat, the HTTPServer's", ""]


def test_words_become_numbers_in_the_order_they_come() -> None:
    made = tf.contrib.learn.preprocessing.VocabularyProcessor(5)
    rows = np.array(list(made.fit_transform(TEXTS)))
    np.testing.assert_array_equal(rows, [[1, 2, 3, 4, 1], [6, 1, 7, 8, 1], [0, 0, 0, 0, 0]])
    assert rows.dtype == np.int64 and len(made.vocabulary_) == 11
    assert list(made.reverse(rows[:2])) == ["the cat sat on the", "it's the Tensor Flow-cat the"]
    assert [list(row) for row in made.transform(["a cat"])] == [[0, 2, 0, 0, 0]]


def test_rare_words_are_unknown() -> None:
    preprocessing = tf.contrib.learn.preprocessing
    made = tf.contrib.learn.preprocessing.VocabularyProcessor(
        6, min_frequency=1, tokenizer_fn=lambda x: map(str.split, x)
    )
    rows = list(made.fit_transform(["b b a c a", "c a d"]))
    assert [list(row) for row in rows] == [[2, 2, 1, 3, 1, 0], [3, 1, 0, 0, 0, 0]]
    made.vocabulary_.trim(2)
    assert len(made.vocabulary_) == 2 and made.vocabulary_.reverse(1) == "a"
    with pytest.raises(NotImplementedError, match="a tokenizer_fn cannot be saved"):
        made.save("vocabulary")
    one_way = preprocessing.CategoricalVocabulary(support_reverse=False)
    with pytest.raises(ValueError, match="support_reverse"):
        one_way.reverse(0)


def test_saved_and_restored(tmp_path: Path) -> None:
    made = tf.contrib.learn.preprocessing.VocabularyProcessor(4).fit(TEXTS)
    made.save(tmp_path / "vocabulary")
    program = (
        "from tensorflow.contrib import learn\n"
        f"made = learn.preprocessing.VocabularyProcessor.restore({str(tmp_path / 'vocabulary')!r})\n"
        "print(len(made.vocabulary_), list(made.transform(['mat on a cat']))[0].tolist())\n"
    )
    (tmp_path / "program.py").write_text(program)
    ran = subprocess.run(
        [sys.executable, "-m", "graphc.tf1", str(tmp_path / "program.py")], capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"{len(made.vocabulary_)} [5, 4, 0, 2]\n"
    with pytest.raises(ValueError, match="is no file that VocabularyProcessor"):
        tf.contrib.learn.preprocessing.VocabularyProcessor.restore(tmp_path / "program.py")
