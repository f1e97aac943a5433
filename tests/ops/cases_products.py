"""Rows for matrix products, with references that are NumPy's einsum."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import graphc as tf
from graphc.ops.base import apply
from graphc.ops.contraction import Contract, ContractPhases, matvec
from tests.ops.harness import FLOATS, NUMBERS, Case, In

LOOSE = 8.0  # sums of many products, in another order


def _turn(x: Any, flag: bool) -> Any:
    return np.swapaxes(x, -1, -2) if flag else x


def _einsum(text: str) -> Any:
    return lambda a, b: np.einsum(text, a, b)


EINSUMS = {
    "bhqd,bhkd->bhqk": ((2, 3, 4, 5), (2, 3, 6, 5)),
    "ij,kjl": ((2, 3), (4, 3, 5)),
    "...ij,jk->...ik": ((2, 5, 2, 3), (3, 4)),
    "iij,jk,k->i": ((3, 3, 2), (2, 4), (4,)),
    "ij,kl->ki": ((2, 3), (4, 5)),
    "ijk->ki": ((2, 3, 4),),
}


PRODUCTS = [
    *(
        Case(f"einsum {equation}", lambda *xs, eq=equation: tf.einsum(eq, *xs),
             lambda *xs, eq=equation: np.einsum(eq, *xs), tuple(In(shape) for shape in shapes), loose=LOOSE)
        for equation, shapes in EINSUMS.items()
    ),
    *(
        Case(f"matmul {ta} {tb}", lambda a, b, ta=ta, tb=tb: tf.matmul(a, b, ta, tb),
             lambda a, b, ta=ta, tb=tb: np.einsum("mk,kn->mn", _turn(a, ta), _turn(b, tb)),
             (In((4, 3) if ta else (3, 4)), In((5, 4) if tb else (4, 5))), NUMBERS, loose=LOOSE)
        for ta, tb in itertools.product([False, True], repeat=2)
    ),
    Case("matmul of one row", tf.matmul, _einsum("mk,kn->mn"), (In((1, 4)), In((4, 1))), loose=LOOSE),
    Case("matmul of nothing", tf.matmul, lambda a, b: np.zeros((3, 5), a.dtype), (In((3, 0)), In((0, 5)))),
    Case("matmul to nothing", tf.matmul, lambda a, b: np.zeros((0, 5), a.dtype), (In((0, 4)), In((4, 5)))),
    *(
        Case(f"matmul in batches {ta} {tb}", lambda a, b, ta=ta, tb=tb: tf.matmul(a, b, ta, tb),
             lambda a, b, ta=ta, tb=tb: np.einsum("bmk,bkn->bmn", _turn(a, ta), _turn(b, tb)),
             (In((2, 4, 3) if ta else (2, 3, 4)), In((2, 5, 4) if tb else (2, 4, 5))), loose=LOOSE)
        for ta, tb in itertools.product([False, True], repeat=2)
    ),
    Case("matmul with one matrix", tf.matmul, _einsum("abmk,kn->abmn"), (In((2, 3, 2, 4)), In((4, 5))), loose=LOOSE),
    Case("matmul of one matrix", tf.matmul, _einsum("mk,bkn->bmn"), (In((3, 4)), In((2, 4, 5))), loose=LOOSE),
    Case("matmul with broadcast batches", tf.matmul, lambda a, b: np.einsum("amk,bkn->abmn", a[:, 0], b[0]),
         (In((2, 1, 3, 4)), In((1, 6, 4, 5))), loose=LOOSE),
    Case("matvec", matvec, _einsum("mk,k->m"), (In((3, 4)), In((4,))), loose=LOOSE),
    Case("tensordot by number", lambda a, b: tf.tensordot(a, b, 2), _einsum("aij,ijb->ab"), (In((2, 3, 4)),
         In((3, 4, 5))),
         loose=LOOSE),
    Case("tensordot by axes", lambda a, b: tf.tensordot(a, b, [[0, 2], [1, 0]]), _einsum("iaj,jib->ab"),
         (In((2, 3, 4)), In((4, 2, 5))), loose=LOOSE),
    Case("tensordot outer", lambda a, b: tf.tensordot(a, b, 0), _einsum("ab,c->abc"), (In((2, 3)), In((4,))),
         loose=LOOSE),
    Case("contract with steps", lambda a, b: apply(Contract(((2, 12, 20),), ((3, 4, 0),), ((5, 0, 1),), ((2, -2, 10),),
         2, 0, (2, 3, 5)), a, b), lambda a, b: np.einsum("bmk,bkn->bmn", a[..., 2::-2], b[:, ::2]),
         (In((2, 3, 4)), In((2, 4, 5))), FLOATS, (), loose=LOOSE, known_sizes=True),
    Case("contract with paired axes", lambda a, b: apply(Contract((), ((3, 10, 0),), (), ((2, 5, 5),), 0, 0, (3, 5),
         ((5, 1, 1),)), a, b), lambda a, b: np.einsum("mkc,kc->mc", a, b), (In((3, 2, 5)), In((2, 5))), FLOATS, (),
         loose=LOOSE, known_sizes=True),
    Case("contract by phases", lambda a, b: apply(ContractPhases(
         tuple(Contract((), ((3, 4, 0),), ((n, 0, 1),), ((4, 1, 5),), 0, at, (3, n)) for at, n in [(0, 3), (3, 2)]),
         (((0, 0), (1, 2)), ((0, 1), (1, 2))), (3, 5)), a, b), lambda a, b: (a @ b)[:, [0, 3, 1, 4, 2]],
         (In((3, 4)), In((4, 5))), FLOATS, (), loose=LOOSE, known_sizes=True),
]  # fmt: skip

CASES = PRODUCTS
