"""``tf.test.TestCase``: unittest's, with sessions and comparisons of arrays."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from graphc import errors
from graphc.graph import Graph
from graphc.nest import flatten, is_nested, pack_as
from graphc.nodes import Operation, Tensor
from graphc.scopes import get_default_session, reset_default_graph, set_random_seed
from graphc.session import Session
from graphc.variables import Variable

SEED = 87654321  # graph seed of a test method, as in TensorFlow


def main(argv: Any = None) -> None:
    """Runs the tests of the program: ``if __name__ == "__main__": tf.test.main()``."""
    unittest.main(argv=argv)


def get_temp_dir() -> str:
    """A folder for what tests write, one for each process."""
    if not _folders:
        _folders.append(tempfile.mkdtemp(prefix="graphc-test-"))
        unittest.addModuleCleanup(shutil.rmtree, _folders[0], ignore_errors=True)
    os.makedirs(_folders[0], exist_ok=True)
    return _folders[0]


_folders: list[str] = []


class TestCase(unittest.TestCase):
    """A test with a graph of its own, a session when asked for, and comparisons of whatever NumPy can hold."""

    def setUp(self) -> None:
        random.seed(0)
        np.random.seed(0)
        if get_default_session() is None:
            with contextlib.suppress(AssertionError):  # inside a graph that the caller entered
                reset_default_graph()
        set_random_seed(SEED)
        self._session: Session | None = None
        self._temp_dir: str | None = None

    def tearDown(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def get_temp_dir(self) -> str:
        """A folder for what this test writes."""
        if self._temp_dir is None:
            self._temp_dir = tempfile.mkdtemp(dir=get_temp_dir(), prefix=f"{self._testMethodName}-")
        return self._temp_dir

    # -- sessions ----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """A new session, the default one inside the ``with``."""
        with Session(graph=graph, config=config) as session:
            yield session

    @contextlib.contextmanager
    def cached_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """The session of this test: the same one each time, so variables keep their values."""
        if self._session is None:
            self._session = Session(graph=graph, config=config)
        elif graph is not None and self._session.graph is not graph:
            raise ValueError("The graph used to get the cached session is different than the one that was used before.")
        session = self._session
        with session.graph.as_default(), session.as_default():
            yield session

    def test_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> contextlib.AbstractContextManager[Session]:
        """The older name: the test's session, or a new one for a given graph."""
        if self._testMethodName == "test_session":
            self.skipTest("test_session is no test, though its name begins as theirs do")
        return self.cached_session(graph, config) if graph is None else self.session(graph, config)

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors in the default session, or in the test's own."""
        session = get_default_session()
        if session is None:
            with self.cached_session() as session:
                return session.run(tensors)
        return session.run(tensors)

    def _value(self, value: Any) -> Any:
        """Tensors inside ``value`` replaced by what they hold."""
        if not is_nested(value):
            return self.evaluate(value) if isinstance(value, (Tensor, Variable)) else value
        return pack_as(value, [self._value(leaf) for leaf in flatten(value)])

    # -- comparisons -------------------------------------------------------------------------------------

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """``|a - b| <= atol + rtol * |b|`` for all elements, in nested structures too."""
        a, b = self._value(a), self._value(b)
        if isinstance(a, Mapping) or isinstance(b, Mapping):
            self.assertEqual(isinstance(a, Mapping), isinstance(b, Mapping), _said(msg, "only one is a dictionary"))
            self.assertCountEqual(a.keys(), b.keys(), _said(msg, "mismatched keys"))
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, _said(msg, f"at [{key!r}]"))
            return
        try:
            left, right = np.asarray(a), np.asarray(b)
            ragged = left.dtype == object or right.dtype == object
        except ValueError:
            ragged = True
        if ragged:
            self.assertEqual(len(a), len(b), _said(msg, "mismatched length"))
            for place, (x, y) in enumerate(zip(a, b)):
                self.assertAllClose(x, y, rtol, atol, _said(msg, f"at [{place}]"))
            return
        if {left.dtype.name, right.dtype.name} & {"float16", "bfloat16"}:
            rtol, atol = max(rtol, 1e-3), max(atol, 1e-3)
        np.testing.assert_allclose(left, right, rtol, atol, err_msg=msg or "")
        self.assertEqual(left.shape, right.shape, msg)

    def assertAllCloseAccordingToType(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, float_rtol: float = 1e-6,
        float_atol: float = 1e-6, half_rtol: float = 1e-3, half_atol: float = 1e-3, bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2, msg: str | None = None,
    ) -> None:  # fmt: skip
        """:meth:`assertAllClose` with a tolerance for each floating-point type."""
        names = {np.asarray(self._value(value)).dtype.name for value in (a, b)}
        for name, r, t in (
            ("float32", float_rtol, float_atol),
            ("float16", half_rtol, half_atol),
            ("bfloat16", bfloat16_rtol, bfloat16_atol),
        ):
            if name in names:
                rtol, atol = max(rtol, r), max(atol, t)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertNotAllClose(self, a: Any, b: Any, **kwargs: Any) -> None:
        """Some element differs by more than :meth:`assertAllClose` allows."""
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements")

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """All elements are equal, not-a-number equal to itself."""
        np.testing.assert_array_equal(_array(self._value(a)), _array(self._value(b)), err_msg=msg or "", strict=False)
        self.assertEqual(np.shape(self._value(a)), np.shape(self._value(b)), msg)

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Some element differs."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(_said(msg, "The two values are equal at all elements"))

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        """Elements differ by at most ``err``."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for x, y in zip(farray1, farray2):
            self.assertTrue(abs(float(x) - float(y)) <= err, _said(msg, f"{x} and {y} differ by more than {err}"))

    def assertNear(self, f1: Any, f2: Any, err: float, msg: str | None = None) -> None:
        """The two numbers differ by at most ``err``."""
        same = f1 == f2 or abs(f1 - f2) <= err
        self.assertTrue(same, _said(msg, f"{f1} != {f2} +/- {err}"))

    def assertNDArrayNear(self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None) -> None:
        """The Euclidean norm of the difference is at most ``err``."""
        distance = float(np.linalg.norm(np.subtract(self._value(ndarray1), self._value(ndarray2))))
        self.assertTrue(distance < err, _said(msg, f"the arrays differ by {distance}, wanted less than {err}"))

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        """All elements are greater."""
        self._check_all(np.asarray(self._value(a)) > comparison_target, f"> {comparison_target}")

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        """All elements are greater or equal."""
        self._check_all(np.asarray(self._value(a)) >= comparison_target, f">= {comparison_target}")

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        """All elements are less."""
        self._check_all(np.asarray(self._value(a)) < comparison_target, f"< {comparison_target}")

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        """All elements are less or equal."""
        self._check_all(np.asarray(self._value(a)) <= comparison_target, f"<= {comparison_target}")

    def assertAllInRange(
        self, target: Any, lower_bound: Any, upper_bound: Any, open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:  # fmt: skip
        """All elements are between the bounds, which belong to the range unless it is said to be open."""
        values = np.asarray(self._value(target))
        low = values > lower_bound if open_lower_bound else values >= lower_bound
        high = values < upper_bound if open_upper_bound else values <= upper_bound
        self._check_all(low & high, f"between {lower_bound} and {upper_bound}")

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """All elements are among those of a set."""
        self._check_all(np.isin(self._value(target), list(expected_set)), f"in {expected_set}")

    def assertNotNan(self, a: Any) -> None:
        """No element is not-a-number."""
        self._check_all(~np.isnan(self._value(a)), "a number")

    def _check_all(self, holds: Any, what: str) -> None:
        wrong = np.argwhere(~np.asarray(holds))
        self.assertEqual(len(wrong), 0, f"{len(wrong)} elements are not {what}, the first at {wrong[:1].tolist()}")

    def assertShapeEqual(self, np_array: Any, tf_tensor: Any, msg: str | None = None) -> None:
        """The array has the shape that is declared for the tensor."""
        self.assertAllEqual(np.shape(np_array), tf_tensor.get_shape().as_list(), msg)

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: str | None = None) -> None:
        """The two devices have the same name."""
        self.assertEqual(device1, device2, msg)

    def assertStartsWith(self, actual: str, expected_start: str, msg: str | None = None) -> None:
        """A text begins with another."""
        self.assertTrue(actual.startswith(expected_start), _said(msg, f"{actual!r} does not start so"))

    # -- errors ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type: Any, expected_err_re_or_predicate: Any) -> Iterator[None]:
        """Inside, an error of this type is raised of which the function holds, or in which the pattern is found."""
        holds: Callable[[Any], Any] = expected_err_re_or_predicate
        if not callable(expected_err_re_or_predicate):
            pattern = expected_err_re_or_predicate
            holds = lambda error: re.search(pattern, _text(error))  # noqa: E731
        try:
            yield
        except exception_type as error:
            if not holds(error):
                raise AssertionError(f"Exception of type {type(error)}: {error}") from error
            return
        self.fail(f"{getattr(exception_type, '__name__', exception_type)} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """Inside, a step fails with an error in which the pattern is found."""
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    def assertRaisesIncompatibleShapesError(
        self, exception_type: Any = errors.InvalidArgumentError, compatible: str = ""
    ) -> Any:
        """Inside, an error about shapes is raised."""
        return self.assertRaisesWithPredicateMatch(exception_type, r"[Ii]ncompatible|[Ss]hape|differ")

    def checkedThread(self, target: Any, args: Any = None, kwargs: Any = None) -> _CheckedThread:
        """A thread whose ``join`` fails the test where the target raised."""
        return _CheckedThread(self, target, args or (), kwargs or {})


class _CheckedThread(threading.Thread):
    """Keeps what the target raises until it is joined."""

    def __init__(self, test: TestCase, target: Callable[..., Any], args: Any, kwargs: Any):
        super().__init__()
        self._test, self._work = test, lambda: target(*args, **kwargs)
        self._problem: Exception | None = None

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._problem = error

    def join(self, timeout: float | None = None) -> None:
        super().join(timeout)
        if self._problem is not None:
            self._test.fail(f"Error in checkedThread: {self._problem!r}")


def _said(msg: str | None, text: str) -> str:
    return f"{msg}: {text}" if msg else text


def _array(value: Any) -> Any:
    return np.asarray(list(value)) if isinstance(value, range) else np.asarray(value)


def _text(error: BaseException) -> str:
    """The message, and the names of the operation that failed."""
    operation = getattr(error, "op", None)
    text = getattr(error, "message", None) or str(error)
    return f"{text}\nCaused by op: {operation.name}" if isinstance(operation, Operation) else text
